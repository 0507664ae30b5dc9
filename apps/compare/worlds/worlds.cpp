#include "worlds/worlds.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <rankwire/errors.hpp>
#include <thread>

#include "results/json.hpp"

namespace comparison {
namespace {

using Arguments = std::vector<std::string>;

std::filesystem::path make_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "rankwire-compare-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw rankwire::Error{fmt::format(
        "cannot make a folder like {}: set TMPDIR to one that can be written to", name)};
  }
  return name;
}

bool is_in_path(const std::string& program) {
  const char* const path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const std::string file = fmt::format("{}/{}", rest.substr(0, colon), program);
    if (access(file.c_str(), X_OK) == 0) return true;
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return false;
}

/// Two ranks get a core each. More ranks than cores share them, and give them up while they wait.
Arguments mpiexec(const std::string& transport, int ranks) {
  Arguments all{"mpiexec", "-n", std::to_string(ranks), "--mca", "pml", "ob1"};
  const auto add = [&](std::initializer_list<const char*> more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  if (transport == "mpi-tcp") {
    add({"--mca", "btl", "self,tcp", "--mca", "btl_tcp_if_include", "lo"});
  } else {
    add({"--mca", "btl", "self,vader"});
  }
  if (ranks <= static_cast<int>(std::thread::hardware_concurrency())) {
    add({"--bind-to", "core"});
  } else {
    add({"--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"});
  }
  return all;
}

/// Open MPI refuses to run as root unless told otherwise.
Arguments mpi_environment() {
  if (getuid() != 0) return {};
  return {"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"};
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

Worlds::Worlds(const Options& options, std::vector<std::string> passed_on)
    : options_{options}, passed_on_{std::move(passed_on)}, folder_{make_folder()} {}

Worlds::~Worlds() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string Worlds::missing(const std::string& transport) {
  if (transport.starts_with("mpi")) {
    if (COMPARE_WITH_MPI == 0) return "built without MPI";
    if (!is_in_path("mpiexec")) return "there is no mpiexec in PATH";
  }
  if (transport.starts_with("zmq")) {
    if (COMPARE_WITH_ZMQ == 0) return "built without ZeroMQ";
    if (program_beside("rankwire").empty()) {
      return "the program rankwire, which starts such worlds, is not beside this one";
    }
  }
  return {};
}

Command Worlds::command(const std::string& transport, int ranks, const Arguments& arguments) {
  Command command;
  auto& all = command.arguments;
  const std::string count = std::to_string(ranks);
  if (transport.starts_with("mpi")) {
    all = mpiexec(transport, ranks);
    command.environment = mpi_environment();
  } else if (transport.starts_with("zmq")) {
    all = {program_beside("rankwire"), "launch", "-n", count};
    all.insert(all.end(), {"--over", transport == "zmq-ipc" ? "ipc" : "tcp", "--"});
  }
  all.push_back(program_beside("compare"));
  if (transport == "inproc") all.insert(all.end(), {"--transport", "inproc", "-n", count});
  all.insert(all.end(), arguments.begin(), arguments.end());
  return command;
}

std::optional<Results> Worlds::measure(const std::string& transport, int ranks,
                                       const Arguments& measures, const Arguments& environment) {
  const std::string what = fmt::format("{}: {}", transport, fmt::join(measures, ", "));
  const auto file = folder_ / fmt::format("{}.json", ++started_);
  Arguments all = passed_on_;
  all.insert(all.end(),
             {"--only", fmt::format("{}", fmt::join(measures, ",")), "--hand-to", file.string()});
  const std::string length = plan_of(options_.length()).name;
  if (length != "usual") all.push_back("--" + length);
  Command world = command(transport, ranks, all);
  world.environment.insert(world.environment.end(), environment.begin(), environment.end());
  // Who listens where is of no use here.
  if (std::getenv("RANKWIRE_LOG_LEVEL") == nullptr) {
    world.environment.emplace_back("RANKWIRE_LOG_LEVEL=warn");
  }
  world.patience = plan_of(options_.length()).world_max;
  world.shows_progress = true;
  const Ended ended = run_process(world);
  if (!ended.well) {
    fail(what, ended.why);
    return std::nullopt;
  }
  return from_json(read_file(file), file.string());
}

void Worlds::leave_out(const std::string& what, const std::string& why) {
  left_out_.push_back({what, why});
  std::fputs(fmt::format("{} is left out: {}\n", what, why).c_str(), stderr);
}

void Worlds::fail(const std::string& what, const std::string& why) {
  ended_well_ = false;
  leave_out(what, why);
}

}  // namespace comparison
