#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "command_line.hpp"
#include "keygen.hpp"
#include "launch.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/output.hpp"

namespace {

/// Prints an answer. Results go to stdout, and losing any of them is a failure.
int print(const launcher::Answer& answer) {
  std::fputs(answer.text.c_str(), answer.code == 0 ? stdout : stderr);
  rankwire::finish_output();
  return answer.code;
}

}  // namespace

int main(int argc, char** argv) {
  const char* subcommand = "";
  rankwire::keep_standard_descriptors();
  // From here on a closed pipe is an error of the write, with a line and an exit code, not a silent
  // death.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const auto asked = launcher::read_command_line(argc, argv);
    if (const auto* const answer = std::get_if<launcher::Answer>(&asked)) {
      return print(*answer);
    }
    if (const auto* const keys = std::get_if<launcher::Keygen>(&asked)) {
      subcommand = " keygen";
      return launcher::keygen(*keys);
    }
    subcommand = " launch";
    return launcher::launch(std::get<launcher::Options>(asked));
  } catch (const std::exception& error) {
    fmt::print(stderr, "rankwire{}: {}\n", subcommand, error.what());
    return rankwire::exit_code_of(error);
  }
}
