#include <algorithm>

#include "free_path.hpp"
#include "free_port.hpp"
#include "harness.hpp"
#include "ranks_option.hpp"
#include "rankwire/backend/log.hpp"
#include "threads.hpp"
#include "zmq_rank.hpp"

// Ranks as threads with a context each, over TCP on the loopback interface, or with --ipc over Unix
// sockets.

namespace conformance {
namespace {

int ranks = 4;
bool over_ipc = false;

struct ZmqThreadsHarness final : Harness {
  [[nodiscard]] int ranks() const override { return conformance::ranks; }
  [[nodiscard]] std::vector<std::string> run(const Settings& settings, const Body& body) override {
    endpoint_ = over_ipc ? free_ipc_endpoint() : free_endpoint();
    return on_threads(ranks(), [&](int rank) -> std::string {
      try {
        return run_rank(open(settings, rank), body);
      } catch (const std::exception& error) {
        return fmt::format("rank {} did not open: {}", rank, error.what());
      }
    });
  }
  [[nodiscard]] std::unique_ptr<Channel> open_newcomer(const Settings& settings,
                                                       int rank) override {
    return open(settings, rank);
  }

 private:
  [[nodiscard]] std::unique_ptr<Channel> open(const Settings& settings, int rank) const {
    return open_zmq_rank(settings, endpoint_, rank, ranks());
  }
  std::string endpoint_;
};

}  // namespace

Harness& harness() {
  static ZmqThreadsHarness zmq;
  return zmq;
}

}  // namespace conformance

int main(int argc, char** argv) {
  rankwire::log().set_level(spdlog::level::warn);
  conformance::over_ipc = std::any_of(
      argv, argv + argc, [](const char* argument) { return std::string{argument} == "--ipc"; });
  conformance::ranks = conformance::ranks_option(argc, argv, 4);
  return doctest::Context{argc, argv}.run();
}
