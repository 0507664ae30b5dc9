#include <cstdlib>

#include "free_path.hpp"
#include "free_port.hpp"
#include "harness.hpp"
#include "rankwire/backend/log.hpp"
#include "zmq_rank.hpp"

// Ranks as processes: started by `rankwire launch -n N -- conformance_zmq_processes`. Each runs
// every case, in the same order. A world of its own for each case needs a port of its own, or a
// path where the launcher's world is over ipc; that world, which lives as long as the program,
// passes the address from rank 0 to the others.

namespace conformance {
namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string{} : std::string{value};
}

struct ZmqProcessesHarness final : Harness {
  ZmqProcessesHarness() {
    Settings settings;
    const std::string listen = variable("RANKWIRE_LISTEN"), join = variable("RANKWIRE_JOIN");
    if (listen.empty() && join.empty()) {
      throw std::runtime_error{"start this as: rankwire launch -n N -- conformance_zmq_processes"};
    }
    settings.options["job"] = variable("RANKWIRE_JOB");
    if (!listen.empty()) {
      settings.options["listen"] = listen;
      settings.ranks = std::stoi(variable("RANKWIRE_RANKS"));
    } else {
      settings.options["join"] = join;
      settings.options["rank"] = variable("RANKWIRE_RANK");
    }
    control_ = std::move(rankwire::zmq_backend.open(settings).front());
  }
  ~ZmqProcessesHarness() override { control_->close(patience); }
  ZmqProcessesHarness(const ZmqProcessesHarness&) = delete;
  ZmqProcessesHarness& operator=(const ZmqProcessesHarness&) = delete;

  [[nodiscard]] int ranks() const override { return control_->size(); }
  [[nodiscard]] int rank() const { return control_->rank(); }
  [[nodiscard]] std::vector<std::string> run(const Settings& settings, const Body& body) override {
    agree_on_endpoint();
    const std::string failure = run_rank(open(settings, rank()), body);
    if (failure.empty()) return {};
    return {failure};
  }
  [[nodiscard]] std::unique_ptr<Channel> open_newcomer(const Settings& settings,
                                                       int rank) override {
    return open(settings, rank);
  }
  [[nodiscard]] bool ranks_share_memory() const override { return false; }

 private:
  void agree_on_endpoint() {
    if (rank() != 0) {
      endpoint_ = rankwire::recv<std::string>(*control_, 0, 0, patience);
      return;
    }
    const bool over_ipc = variable("RANKWIRE_LISTEN").starts_with("ipc://");
    endpoint_ = over_ipc ? free_ipc_endpoint() : free_endpoint();
    for (int other = 1; other < ranks(); ++other) rankwire::send(*control_, other, 0, endpoint_);
  }
  [[nodiscard]] std::unique_ptr<Channel> open(const Settings& settings, int rank) const {
    return open_zmq_rank(settings, endpoint_, rank, ranks());
  }
  std::unique_ptr<Channel> control_;
  std::string endpoint_;
};

ZmqProcessesHarness& processes() {
  static ZmqProcessesHarness zmq;
  return zmq;
}

}  // namespace

Harness& harness() {
  return processes();
}

}  // namespace conformance

int main(int argc, char** argv) {
  rankwire::log().set_level(spdlog::level::warn);
  doctest::Context context{argc, argv};
  // One summary is enough; the others print what fails on them.
  if (conformance::processes().rank() != 0) context.setOption("minimal", true);
  return context.run();
}
