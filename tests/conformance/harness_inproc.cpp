#define DOCTEST_CONFIG_IMPLEMENT
#include "harness.hpp"
#include "ranks_option.hpp"
#include "threads.hpp"

namespace rankwire {
extern const Backend inproc_backend;
}

namespace conformance {
namespace {

int ranks = 4;

struct InprocHarness final : Harness {
  [[nodiscard]] int ranks() const override { return conformance::ranks; }
  [[nodiscard]] std::vector<std::string> run(const Settings& settings, const Body& body) override {
    Settings with = settings;
    with.ranks = ranks();
    auto channels = rankwire::inproc_backend.open(with);
    return on_threads(ranks(), [&](int rank) {
      return run_rank(std::move(channels[static_cast<std::size_t>(rank)]), body);
    });
  }
};

}  // namespace

Harness& harness() {
  static InprocHarness inproc;
  return inproc;
}

}  // namespace conformance

int main(int argc, char** argv) {
  conformance::ranks = conformance::ranks_option(argc, argv, 4);
  return doctest::Context{argc, argv}.run();
}
