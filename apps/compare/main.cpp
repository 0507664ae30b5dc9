#include <rankwire/rankwire.hpp>

#include "crowd.hpp"
#include "idle.hpp"
#include "options.hpp"
#include "pingpong.hpp"
#include "startup.hpp"

// What rankwire costs over the raw library, measured in the same run: rounds of the one and of the
// other take turns, and the ratio is the median of the ratios pair by pair. Every payload is
// checked. Figures on stdout, progress on stderr; exit code 1 when data came damaged.
//
// All figures, from the build folder, on a machine that does nothing else (as root, Open MPI wants
// OMPI_ALLOW_RUN_AS_ROOT=1 and OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1):
//
//   mpiexec -n 2 bin/compare pingpong
//   bin/rankwire launch -n 2 -- bin/compare pingpong
//   bin/compare pingpong -n 2
//   mpiexec --oversubscribe --bind-to none -n 4 bin/compare idle
//   bin/rankwire launch -n 4 -- bin/compare idle
//   bin/compare idle
//   bin/compare startup
//   bin/rankwire launch -n 101 -- bin/compare crowd      # and with 11 and 501

int main(int argc, char** argv) {
  comparison::Options options;
  const rankwire::Program program{
      .description = "Measures what rankwire costs over the library of its transport.",
      .options = [&options](CLI::App& app) { comparison::add_options(app, options); }};
  return rankwire::run(
      argc, argv,
      [&options](rankwire::Channel& world) {
        if (options.measure == "pingpong") return comparison::pingpong(world, options);
        if (options.measure == "idle") return comparison::idle(world, options);
        if (options.measure == "crowd") return comparison::crowd(world);
        comparison::startup(world, options);
      },
      program);
}
