#include "measure/crowd.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <rankwire/typed.hpp>
#include <sstream>
#include <vector>

#include "measure/cpu.hpp"
#include "measure/crowd_tags.hpp"

namespace comparison {
namespace {

constexpr int round_trips = 20'000;
constexpr int messages_in = 200'000;
// As many at work in a world of any size: what then grows is the cost of workers that are there.
constexpr int few = 10;

/// Since this machine came up.
double now_seconds() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// When this process began, on the same clock; to 10 ms.
double started_seconds() {
  std::ifstream file{"/proc/self/stat"};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  std::istringstream fields{text.substr(text.rfind(')') + 1)};  // a name may hold anything
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  double ticks = 0;
  fields >> ticks;
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double resident_kib() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6));
  }
  return 0;
}

void print(const std::string& what, const std::string& figure) {
  std::fputs(fmt::format("{:<52}{:>12}\n", what, figure).c_str(), stdout);
  std::fflush(stdout);
}

std::string microseconds(double seconds) {
  return fmt::format("{:.2f} us", seconds * 1e6);
}

/// Runs `body`, and says what each of its `count` messages took, in time and in CPU time.
template <class Body>
void measure(const std::string& what, int count, Body body) {
  const double before = now_seconds();
  const double cpu_before = cpu_seconds();
  body();
  print(what, microseconds((now_seconds() - before) / count));
  print("  of that, CPU time of the master", microseconds((cpu_seconds() - cpu_before) / count));
}

/// A message to each of the first workers in turn, and one back.
void round_trips_with(rankwire::Channel& world, int workers, int count) {
  for (int i = 0; i < count; ++i) {
    const int rank = 1 + i % workers;
    rankwire::send(world, rank, ping_tag, true);
    (void)world.recv(rank, ping_tag);
  }
}

constexpr std::chrono::seconds leaves_within{60};
/// One batch of each worker: the first takes new memory on both sides.
constexpr int warm_up_messages = batch_messages;

int messages_from_each(int workers) {
  return std::max(1, messages_in / workers / batch_messages) * batch_messages;
}

/// Each of the first workers sends a batch when it is told to, and is told so when the one before
/// has come.
void take_from(rankwire::Channel& world, int workers, int each) {
  std::vector<int> remaining(static_cast<std::size_t>(world.size()), each);
  for (int rank = 1; rank <= workers; ++rank) rankwire::send(world, rank, go_tag, true);
  for (int i = each * workers; i > 0; --i) {
    const int source = world.recv(rankwire::any_source, flow_tag)->source;
    const int left = --remaining[static_cast<std::size_t>(source)];
    if (left > 0 && left % batch_messages == 0) rankwire::send(world, source, go_tag, true);
  }
}

void send_to_all(rankwire::Channel& world, int tag, bool value) {
  for (int rank = 1; rank < world.size(); ++rank) rankwire::send(world, rank, tag, value);
}

void master(rankwire::Channel& world) {
  const double complete = now_seconds();
  const double resident = resident_kib();
  double first = started_seconds();
  for (int rank = 1; rank < world.size(); ++rank) {
    first = std::min(first, rankwire::recv<double>(world, rank, started_tag));
  }
  print(fmt::format("A world of {} processes over {}, at its master", world.size(),
                    world.info().transport),
        "");
  print("from the first start to a complete world",
        fmt::format("{:.1f} ms", (complete - first) * 1e3));
  print("resident memory then", fmt::format("{:.0f} KiB", resident));
  const int workers = world.size() - 1;
  const int some = std::min(few, workers);
  round_trips_with(world, workers, workers);
  measure(fmt::format("round trip, {} of the workers in turn", some), round_trips,
          [&] { round_trips_with(world, some, round_trips); });
  measure("round trip, each worker in turn", round_trips,
          [&] { round_trips_with(world, workers, round_trips); });
  send_to_all(world, ping_tag, false);
  take_from(world, workers, warm_up_messages);
  measure(fmt::format("message in, 20 at a time from {} of them", some),
          messages_from_each(some) * some,
          [&] { take_from(world, some, messages_from_each(some)); });
  measure("message in, 20 at a time from each worker", messages_from_each(workers) * workers,
          [&] { take_from(world, workers, messages_from_each(workers)); });
  print("resident memory at the end", fmt::format("{:.0f} KiB", resident_kib()));
  const double over = now_seconds();
  send_to_all(world, go_tag, false);
  for (int left = 0; left < workers; ++left) {
    if (!world.next(rankwire::any_source, rankwire::any_tag, leaves_within)) break;
  }
  print("from there until all workers have left",
        fmt::format("{:.1f} ms", (now_seconds() - over) * 1e3));
}

void worker(rankwire::Channel& world) {
  rankwire::send(world, 0, started_tag, started_seconds());
  while (rankwire::recv<bool>(world, 0, ping_tag)) rankwire::send(world, 0, ping_tag, true);
  while (rankwire::recv<bool>(world, 0, go_tag)) {
    for (int i = 0; i < batch_messages; ++i) rankwire::send(world, 0, flow_tag, i);
  }
}

}  // namespace

void crowd(rankwire::Channel& world) {
  if (world.size() < 2 || world.info().transport == "inproc") {
    throw rankwire::UsageError{
        "crowd wants at least 2 ranks that are processes, on one machine: rankwire launch -n 101 "
        "-- compare crowd"};
  }
  world.rank() == 0 ? master(world) : worker(world);
}

}  // namespace comparison
