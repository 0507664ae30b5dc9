#include "worlds/simulated_crowd.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <rankwire/rankwire.hpp>

#include "measure/crowd.hpp"
#include "system/process.hpp"

namespace comparison {
namespace {

constexpr std::chrono::seconds played_within{300};

/// For the address file.
class Folder {
 public:
  Folder() : path_{(std::filesystem::temp_directory_path() / "compare-XXXXXX").string()} {
    if (mkdtemp(path_.data()) == nullptr) throw rankwire::Error{"cannot make a folder at " + path_};
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  Folder(Folder&&) = delete;
  Folder& operator=(Folder&&) = delete;
  [[nodiscard]] std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace

void simulate_crowd(int workers) {
  const std::string players = program_beside("crowd_players");
  if (players.empty())
    throw rankwire::Error{"crowd wants the program crowd_players beside compare"};
  const Folder folder;
  const std::string address = folder.file("address");
  auto played = std::async(std::launch::async, [&] {
    return run_process({.arguments = {players, address, std::to_string(workers)},
                        .patience = played_within,
                        .shows_progress = true});
  });
  rankwire::Settings settings;
  settings.transport = "zmq";
  settings.ranks = workers + 1;
  settings.options = {{"listen", "tcp://127.0.0.1:0"}, {"address-file", address}};
  const auto check_players = [&] {
    if (const Ended ended = played.get(); !ended.well) {
      throw rankwire::Error{fmt::format("the players of the workers: {}", ended.why)};
    }
  };
  try {
    rankwire::World world = rankwire::open(settings);
    crowd(world.channel());
    world.close(std::chrono::seconds{10});
  } catch (const rankwire::Error&) {
    using namespace std::chrono_literals;
    // What became of the players says more than what the master saw of it.
    if (played.wait_for(0s) == std::future_status::ready) check_players();
    throw;
  }
  check_players();
}

}  // namespace comparison
