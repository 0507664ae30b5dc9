#include <fmt/format.h>

#include <cstdio>

#include "command_line.hpp"
#include "keygen.hpp"
#include "launch.hpp"
#include "rankwire/errors.hpp"

int main(int argc, char** argv) {
  const char* subcommand = "";
  try {
    const auto asked = launcher::read_command_line(argc, argv);
    if (const auto* const answer = std::get_if<launcher::Answer>(&asked)) {
      std::fputs(answer->text.c_str(), answer->code == 0 ? stdout : stderr);
      return answer->code;
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
