#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "../../core/src/start/configuration.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/printable.hpp"
#include "rankwire/rankwire.hpp"

namespace rankwire {

/// What a program of the tests adds of its own.
struct Own {
  int count = 7;
  std::string format = "text";
  bool fast = false;
};

/// All that there are, of which those named were built, whatever was.
inline std::vector<Backend> built(const std::vector<std::string_view>& names) {
  std::vector<Backend> all{backends().begin(), backends().end()};
  for (Backend& backend : all) {
    const bool is_built = std::find(names.begin(), names.end(), backend.name) != names.end();
    backend.open = is_built ? all.front().open : nullptr;
  }
  return all;
}

/// A start of a program: what its user says, and what the configuration makes of it.
struct Reading {
  std::vector<std::string> arguments;
  std::vector<std::string> environment{};
  std::vector<Backend> backends = built({"inproc", "mpi", "zmq"});
  std::optional<LauncherWorld> launcher{};
  bool required = false;

  Own own{};

  std::variant<Configuration, Answer> read();
  Settings settings() { return std::get<Configuration>(read()).settings; }
};

/// Everything in `parts` must be in the text of the UsageError, which is one line.
void refused(Reading reading, const std::vector<std::string>& parts);

/// A configuration file that holds `text`, as long as this object lives.
class File {
 public:
  explicit File(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "rankwire-XXXXXX").string();
    const int descriptor = mkstemp(name.data());
    REQUIRE(descriptor >= 0);
    close(descriptor);
    path = name;
    std::ofstream{path} << text;
  }
  ~File() { std::filesystem::remove(path); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::string path;
};

}  // namespace rankwire
