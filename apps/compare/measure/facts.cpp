#include "measure/facts.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string_view>
#include <thread>

namespace comparison {
namespace {

std::string& command() {
  static std::string text;
  return text;
}

/// The value of the first line that begins with `name`, without `separator` and quotes.
std::string value_in(const char* path, std::string_view name, char separator) {
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name)) continue;
    const std::size_t begin = line.find_first_not_of("\" \t", line.find(separator) + 1);
    if (begin == std::string::npos) return {};
    const std::size_t end = line.find_last_not_of("\" \t");
    return line.substr(begin, end + 1 - begin);
  }
  return {};
}

std::string host_name() {
  utsname names{};
  return uname(&names) == 0 ? names.nodename : "";
}

Machine machine() {
  Machine machine;
  utsname names{};
  uname(&names);
  machine.host = names.nodename;
  machine.cpu = value_in("/proc/cpuinfo", "model name", ':');
  if (machine.cpu.empty()) machine.cpu = names.machine;
  const std::string system = value_in("/etc/os-release", "PRETTY_NAME", '=');
  machine.system = fmt::format("{} {}, {}", names.sysname, names.release, system);
  machine.cores = static_cast<int>(std::thread::hardware_concurrency());
  machine.memory_bytes = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                         static_cast<std::uint64_t>(sysconf(_SC_PAGE_SIZE));
  std::array<double, 1> load{};
  if (getloadavg(load.data(), 1) == 1) machine.load = load[0];
  return machine;
}

/// What the environment says to every rankwire program.
std::string variables() {
  std::string text;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view said = *entry;
    // How a world meets is no setting of it.
    constexpr std::array of_meeting{"RANKWIRE_TRANSPORT", "RANKWIRE_JOB",  "RANKWIRE_RANKS",
                                    "RANKWIRE_LISTEN",    "RANKWIRE_JOIN", "RANKWIRE_RANK"};
    const auto name = said.substr(0, said.find('='));
    if (!said.starts_with("RANKWIRE_") ||
        std::find(of_meeting.begin(), of_meeting.end(), name) != of_meeting.end()) {
      continue;
    }
    text += fmt::format("{}{}", text.empty() ? "" : " ", said);
  }
  return text;
}

/// "Open MPI v4.1.4, package: ..." to "Open MPI v4.1.4".
std::string first_words(const std::string& library) {
  return library.substr(0, library.find(','));
}

}  // namespace

void remember_command(int argc, char** argv) {
  command() = fmt::format("{}", fmt::join(argv, argv + argc, " "));
}

Results facts_of_machine(const Options& options) {
  const Plan plan = plan_of(options.length());
  Results results;
  results.made = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  results.version = COMPARE_VERSION;
  results.command = command();
  results.machine = machine();
  results.hosts = {host_name()};
  results.settings = {{"length", plan.name}, {"pairs", fmt::format("{}", plan.pairs)}};
  if (const auto text = variables(); !text.empty()) results.settings.push_back({"variables", text});
  return results;
}

Results facts_of(const rankwire::Channel& world, const Options& options) {
  Results results = facts_of_machine(options);
  const auto info = world.info();
  if (info.transport == "mpi") {
    results.command = fmt::format("mpiexec -n {} {}", world.size(), results.command);
  }
  if (info.transport != "inproc") {
    results.libraries.push_back({info.transport, first_words(info.library)});
  }
  for (const auto& peer : info.peers) {
    auto& hosts = results.hosts;
    if (peer.rank == 0) hosts.clear();
    if (std::find(hosts.begin(), hosts.end(), peer.host) == hosts.end()) hosts.push_back(peer.host);
  }
  return results;
}

}  // namespace comparison
