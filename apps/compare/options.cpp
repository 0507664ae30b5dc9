#include "options.hpp"

#include <CLI/CLI.hpp>

namespace comparison {

void add_options(CLI::App& app, Options& options) {
  app.add_option("measure", options.measure,
                 "pingpong: half a round trip between ranks 0 and 1;\n"
                 "idle: the CPU time of a receive that waits;\n"
                 "startup: whole programs, from start to end;\n"
                 "crowd: what many workers cost the master")
      ->type_name("")
      ->check(CLI::IsMember({"pingpong", "idle", "startup", "crowd"}))
      ->required();
  app.add_option("--seconds", options.seconds,
                 "pingpong: to spend on all rounds (8 when not given);\n"
                 "idle: to wait (5)")
      ->type_name("S")
      ->check(CLI::Range(0.01, 3600.0));
  app.add_option("--pairs", options.pairs, "pingpong, startup: rounds, each beside one of raw's")
      ->type_name("N")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

}  // namespace comparison
