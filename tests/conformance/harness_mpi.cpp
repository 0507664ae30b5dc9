#include "harness.hpp"

namespace rankwire {
extern const Backend mpi_backend;
}

// A process is one rank: each runs every case, in the same order, and opening a channel keeps them
// in step. Each reports what failed on its own rank; mpiexec gives the first bad exit code.

namespace conformance {
namespace {

struct Place {
  int rank = 0;
  int ranks = 1;
};

Place find_place() {
  auto channels = rankwire::mpi_backend.open(Settings{});
  auto& world = *channels.front();
  const Place place{world.rank(), world.size()};
  world.close(patience);
  return place;
}

const Place& place() {
  static const Place found = find_place();
  return found;
}

struct MpiHarness final : Harness {
  [[nodiscard]] int ranks() const override { return place().ranks; }
  [[nodiscard]] std::vector<std::string> run(const Settings& settings, const Body& body) override {
    auto channels = rankwire::mpi_backend.open(settings);
    const std::string failure = run_rank(std::move(channels.front()), body);
    if (failure.empty()) return {};
    return {failure};
  }
  [[nodiscard]] bool abort_ends_processes() const override { return true; }
  [[nodiscard]] bool ranks_share_memory() const override { return false; }
};

}  // namespace

Harness& harness() {
  static MpiHarness mpi;
  return mpi;
}

}  // namespace conformance

int main(int argc, char** argv) {
  doctest::Context context{argc, argv};
  // One summary is enough; the others print what fails on them.
  if (conformance::place().rank != 0) context.setOption("minimal", true);
  return context.run();
}
