#include "keygen.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "rankwire/keys.hpp"

namespace launcher {

int keygen(const Keygen& asked) {
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
  return 0;
}

}  // namespace launcher
