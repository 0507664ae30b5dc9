#include "startup.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "process.hpp"
#include "table.hpp"

namespace comparison {
namespace {

using Command = std::vector<std::string>;

/// The program `name` that was built beside this one; empty when it was not.
std::string beside(const char* name) {
  const auto path = std::filesystem::read_symlink("/proc/self/exe").replace_filename(name);
  return access(path.c_str(), X_OK) == 0 ? path.string() : std::string{};
}

Command mpiexec(const std::string& program) {
  return {"mpiexec", "--oversubscribe", "--bind-to", "none", "-n", "4", program};
}

/// Open MPI refuses to run as root unless told otherwise.
Command mpi_environment() {
  if (getuid() != 0) return {};
  return {"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"};
}

void under_mpiexec(const std::string& product, int count) {
  const std::string what = "mpiexec -n 4 product";
  const std::string hello = beside("raw_mpi_hello");
  if (hello.empty()) {
    return progress(what + " is left out: built without MPI (raw_mpi_hello is not here)");
  }
  const auto environment = mpi_environment();
  if (!time_process(mpiexec(hello), environment)) {  // also the warm-up
    return progress(what + " is left out: there is no mpiexec in PATH");
  }
  Pairs pairs;
  for (int pair = 0; pair < count; ++pair) {
    const double raw = time_process(mpiexec(hello), environment).value();
    const double ours = time_process(mpiexec(product), environment).value();
    pairs.add(ours, raw);
    progress(fmt::format("{}, pair {} of {}: {}, raw {}, ratio {:.2f}", what, pair + 1, count,
                         milliseconds(ours), milliseconds(raw), ours / raw));
  }
  print(row_of(what, pairs, milliseconds, "<= 1.50"));
}

void alone(const std::string& product, int count) {
  std::vector<double> times;
  [[maybe_unused]] const auto warm_up = time_process({product});
  for (int i = 0; i < count; ++i) times.push_back(time_process({product}).value());
  print({.what = "product, 4 ranks in one process",
         .ours = milliseconds(median(times)),
         .bar = "<= 50 ms"});
}

}  // namespace

void startup(rankwire::Channel& world, const Options& options) {
  if (world.info().transport != "inproc") {
    throw rankwire::UsageError{
        fmt::format("startup starts its own worlds, but runs in one over {}; start it without a "
                    "launcher and without --listen or --join",
                    world.info().transport)};
  }
  if (world.rank() != 0) return;
  const std::string product = beside("product");
  if (product.empty()) {
    throw rankwire::UsageError{"the program product is not beside this one: build it first"};
  }
  print_heading("Start to end of whole programs; raw is MPI_Init and MPI_Finalize");
  under_mpiexec(product, options.pairs);
  alone(product, options.pairs);
}

}  // namespace comparison
