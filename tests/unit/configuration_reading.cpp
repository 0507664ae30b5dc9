#include "configuration_reading.hpp"

#include <CLI/CLI.hpp>
#include <cstdint>

#include "rankwire/errors.hpp"
#include "rankwire/printable.hpp"

// Apart from the tests, since CLI11 takes seconds to compile.

namespace rankwire {

std::variant<Configuration, Answer> Reading::read() {
  Start start{{"/some/where/program"}, environment, backends, launcher};
  start.arguments.insert(start.arguments.end(), arguments.begin(), arguments.end());
  Program program;
  program.options = [this](CLI::App& app) {
    app.add_option("--count", own.count)->check(CLI::Range(1, 9))->required(required);
    app.add_option("--own_format", own.format)->check(CLI::IsMember({"text", "json"}));
    app.add_flag("--fast", own.fast);
  };
  return read_configuration(start, program);
}

void refused(Reading reading, const std::vector<std::string>& parts) {
  try {
    (void)reading.read();
    FAIL_CHECK("accepted");
  } catch (const UsageError& error) {
    const std::string text = error.what();
    CAPTURE(text);
    CHECK(printable(text, SIZE_MAX) == text);
    for (const auto& part : parts) {
      CAPTURE(part);
      CHECK(text.find(part) != std::string::npos);
    }
  }
}

}  // namespace rankwire
