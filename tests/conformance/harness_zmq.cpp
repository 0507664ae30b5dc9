#define DOCTEST_CONFIG_IMPLEMENT
#include <atomic>
#include <future>

#include "harness.hpp"
#include "rankwire/backend/log.hpp"
#include "ranks_option.hpp"
#include "threads.hpp"

// Ranks as threads with a context each, over TCP on the loopback interface.

namespace rankwire {
extern const Backend zmq_backend;
}

namespace conformance {
namespace {

int ranks = 4;

/// A port that was free a moment ago; the next world's.
std::string free_endpoint();

struct ZmqThreadsHarness final : Harness {
  [[nodiscard]] int ranks() const override { return conformance::ranks; }
  [[nodiscard]] std::vector<std::string> run(const Settings& settings, const Body& body) override {
    endpoint_ = free_endpoint();
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
    Settings with = settings;
    if (rank == 0) {
      with.ranks = ranks();
      with.listen = endpoint_;
    } else {
      with.join = endpoint_;
      with.rank = rank;
    }
    return std::move(rankwire::zmq_backend.open(with).front());
  }
  std::string endpoint_;
};

}  // namespace

Harness& harness() {
  static ZmqThreadsHarness zmq;
  return zmq;
}

}  // namespace conformance

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace conformance {
namespace {

std::string free_endpoint() {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(probe, generic, length) != 0 || getsockname(probe, generic, &length) != 0) {
    throw std::runtime_error{"no free port"};
  }
  ::close(probe);
  return fmt::format("tcp://127.0.0.1:{}", ntohs(address.sin_port));
}

}  // namespace
}  // namespace conformance

int main(int argc, char** argv) {
  rankwire::log().set_level(spdlog::level::warn);
  conformance::ranks = conformance::ranks_option(argc, argv, 4);
  return doctest::Context{argc, argv}.run();
}
