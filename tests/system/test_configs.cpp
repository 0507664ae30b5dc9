#include <filesystem>
#include <set>

#include "../../apps/rankwire/port.hpp"
#include "system.hpp"

using namespace test_system;

namespace {

/// Runs product as the example says, but for what `arguments` say.
Command example(const std::string& name, const Arguments& arguments = {}) {
  return {Arguments{PRODUCT, "--config", std::string{CONFIGS} + "/" + name} + arguments};
}

}  // namespace

TEST_CASE("configs: every file is tried here") {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator{CONFIGS}) {
    if (entry.path().extension() == ".toml") names.insert(entry.path().filename());
  }
  CHECK(names == std::set<std::string>{"embedded.toml", "master.toml", "worker.toml"});
}

TEST_CASE("configs: embedded.toml") {
  const auto result = support::run(example("embedded.toml"));
  CHECK_CODE(result, 0);
  CHECK(result.out == golden(12));
}

TEST_CASE("configs: master.toml and worker.toml meet, on a port that is free here") {
  const launcher::ReservedPort port{0};
  const std::string endpoint = "tcp://127.0.0.1:" + std::to_string(port.number());
  Process master{example("master.toml", {"--listen", endpoint})};
  std::vector<Process> workers;
  for (int i = 1; i < 4; ++i) workers.emplace_back(example("worker.toml", {"--join", endpoint}));
  const auto result = master.wait();
  CHECK_CODE(result, 0);
  CHECK(result.out == golden(4));
  for (auto& worker : workers) CHECK_CODE(worker.wait(), 0);
}
