#include <algorithm>

#include "../support/faulty_channel.hpp"
#include "harness.hpp"
#include "ranks_option.hpp"
#include "threads.hpp"

namespace rankwire {
extern const Backend inproc_backend;
}

namespace conformance {
namespace {

int ranks = 4;
bool decorated = false;

struct InprocHarness final : Harness {
  [[nodiscard]] int ranks() const override { return conformance::ranks; }
  [[nodiscard]] std::vector<std::string> run(const Settings& settings, const Body& body) override {
    Settings with = settings;
    with.ranks = ranks();
    auto channels = rankwire::inproc_backend.open(with);
    return on_threads(ranks(), [&](int rank) {
      auto channel = std::move(channels[static_cast<std::size_t>(rank)]);
      if (decorated)
        channel = std::make_unique<support::FaultyChannel>(std::move(channel),
                                                           support::FaultyChannel::Faults{});
      return run_rank(std::move(channel), body);
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
  // A channel behind a decorator that breaks nothing must keep the contract too.
  conformance::decorated = std::any_of(argv, argv + argc, [](const char* argument) {
    return std::string{argument} == "--decorated";
  });
  conformance::ranks = conformance::ranks_option(argc, argv, 4);
  return doctest::Context{argc, argv}.run();
}
