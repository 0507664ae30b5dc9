#include "keygen.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "rankwire/errors.hpp"
#include "rankwire/keys.hpp"
#include "rankwire/output.hpp"
#include "rankwire/printable.hpp"

namespace launcher {

int keygen(const Keygen& asked) {
  using rankwire::printable;
  const std::size_t slash = asked.name.rfind('/');
  if (slash != std::string::npos) {
    throw rankwire::UsageError{fmt::format(
        "the name '{}' is a path: say the folder by --dir, as in rankwire keygen --dir '{}' {}",
        printable(asked.name), slash == 0 ? "/" : printable(asked.name.substr(0, slash)),
        slash + 1 < asked.name.size() ? printable(asked.name.substr(slash + 1)) : "NAME")};
  }
  const rankwire::KeyFiles files = rankwire::create_keys(asked.directory, asked.name);
  const std::string text = fmt::format(
      "{0}\n"
      "  public: copy a worker's into the folder of the master's --allow, and the master's to "
      "each\n"
      "  worker, for --server-key\n"
      "{1}\n"
      "  secret: for --key of {2} itself; keep it on that host, nobody else may read it\n",
      files.public_file, files.secret_file, asked.name);
  std::fputs(text.c_str(), stdout);
  rankwire::finish_output();
  return 0;
}

}  // namespace launcher
