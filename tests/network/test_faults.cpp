#include <doctest/doctest.h>
#include <fmt/format.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <thread>

#include "fault_plan.hpp"
#include "fault_world.hpp"
#include "rankwire/backend/log.hpp"

// Jobs of checked messages over a network that breaks by a schedule. By the environment:
//   RANKWIRE_TEST_SCHEDULES=500  how many schedules (60 unless said)
//   RANKWIRE_TEST_SEED=17        that one alone, as a failure names it

using namespace network;
using namespace std::chrono_literals;
using support::Fault;
using support::FaultSchedule;

namespace {

constexpr std::uint64_t schedules_default = 60;
constexpr unsigned at_a_time = 10;  // most of a schedule's time is spent waiting
constexpr auto hangs_after = 240s;  // all waits of a rank together are shorter

std::uint64_t number_of(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// The promise is grace + 5 s, counted from the start of the fault. On a machine whose cores are
/// taken the ranks may come late to say so: another 5 s. A rank that computes cannot say so.
void check_lost_in_time(const Plan& plan, const Run& run) {
  REQUIRE(run.last_fault_began);
  for (std::size_t number = 0; number < run.ranks.size(); ++number) {
    const Outcome& rank = run.ranks[number];
    CHECK((rank.complete || rank.lost));
    if (!rank.lost) continue;
    CHECK(!rank.lost->reason.empty());
    auto bound = grace + 5s + 5s;
    for (const auto& each : plan.how.computing) {
      if (each.rank == static_cast<int>(number)) bound += each.time;
    }
    CHECK(rank.lost_at - *run.last_fault_began <= bound);
  }
}

/// What came of a seed. Called on several threads, so nothing is CHECKed there.
struct Seeded {
  Plan plan;
  Run run;
};

void check_seeded(const Seeded& seeded) {
  INFO(seeded.plan.text());
  INFO("repeat with RANKWIRE_TEST_SEED=", seeded.plan.seed);
  INFO(seeded.run.text());
  if (seeded.plan.ends_badly() && seeded.run.last_fault_began) {
    check_lost_in_time(seeded.plan, seeded.run);
  } else {
    CHECK(seeded.run.complete());
  }
}

/// Plans that run side by side. A world that hangs ends the program, and says which one it was.
class Seeds {
 public:
  Seeds(std::uint64_t first, std::uint64_t count) : next_{first}, end_{first + count} {}

  std::vector<Seeded> run() {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < at_a_time; ++i) threads.emplace_back([this] { run_some(); });
    std::thread watch{[this] { watch_for_hangs(); }};
    for (auto& thread : threads) thread.join();
    {
      const std::lock_guard lock{mutex_};
      over_ = true;
    }
    ended_.notify_all();
    watch.join();
    return std::move(done_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  void run_some() {
    for (;;) {
      std::unique_lock lock{mutex_};
      if (next_ == end_) return;
      const auto seed = next_++;
      begun_[seed] = Clock::now();
      lock.unlock();
      Seeded seeded{make_plan(seed), {}};
      seeded.run = run_over_faults(seeded.plan.world, seeded.plan.how);
      lock.lock();
      begun_.erase(seed);
      done_.push_back(std::move(seeded));
    }
  }
  void watch_for_hangs() {
    std::unique_lock lock{mutex_};
    while (!ended_.wait_for(lock, 1s, [this] { return over_; })) {
      for (const auto& [seed, since] : begun_) {
        if (Clock::now() - since < hangs_after) continue;
        std::fprintf(stderr, "hangs for %d s: %s\nrepeat with RANKWIRE_TEST_SEED=%llu\n",
                     static_cast<int>(hangs_after.count()), make_plan(seed).text().c_str(),
                     static_cast<unsigned long long>(seed));
        std::_Exit(1);
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable ended_;
  std::uint64_t next_, end_;
  std::map<std::uint64_t, Clock::time_point> begun_;
  std::vector<Seeded> done_;
  bool over_ = false;
};

FaultSchedule repeated(std::size_t times, const Fault& fault) {
  return {0, std::vector<Fault>(times, fault)};
}

void check_complete(int ranks, const FaultSchedule& schedule,
                    const Exchange& how = {.messages = 4000}, Begin begin = Begin::world_complete,
                    Links links = Links::open) {
  const auto run = run_over_faults(ranks, schedule, how, begin, links);
  INFO(schedule.text());
  INFO(run.text());
  CHECK(run.faults == schedule.faults.size());
  CHECK(run.complete());
}

}  // namespace

TEST_CASE("schedules: the same for the same seed, another for another") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    CHECK(network::make_plan(seed).text() == network::make_plan(seed).text());
    CHECK(network::make_plan(seed).text() != network::make_plan(seed + 1).text());
  }
  CHECK(support::make_schedule(17).text().starts_with("fault schedule seed 17: "));
}

TEST_CASE("a sound proxy is not seen") {
  check_complete(2, {});
  check_complete(3, {}, {.messages = 2000});
}

TEST_CASE("a slow network is not seen") {
  Fault slow{.kind = Fault::Kind::delay, .sound_bytes = 100'000, .duration = 300ms, .held = 50ms};
  check_complete(2, repeated(3, slow));
  slow = {.kind = Fault::Kind::throttle,
          .sound_bytes = 100'000,
          .duration = 300ms,
          .bytes_per_s = 200'000};
  check_complete(2, repeated(3, slow));
}

// A piece of one takes longer than the silence that ends a connection.
TEST_CASE("large messages over a slow network: it carries them all, unbroken") {
  const Fault slow{.kind = Fault::Kind::throttle, .duration = 1h, .bytes_per_s = 1'000'000};
  const auto run =
      run_over_faults(2, repeated(1, slow), {.messages = 2, .bytes = std::size_t{4} << 20});
  INFO(run.text());
  CHECK(run.complete());
  CHECK(run.links_redialed == 0);
}

TEST_CASE("cut again and again, whatever is under way") {
  check_complete(2, repeated(60, {.kind = Fault::Kind::cut, .sound_bytes = 200'000}));
  check_complete(3, repeated(60, {.kind = Fault::Kind::reset, .sound_bytes = 200'000}));
}

TEST_CASE("cut within the handshakes that mend a connection") {
  FaultSchedule schedule = repeated(1, {.kind = Fault::Kind::cut, .sound_bytes = 1'000'000});
  // ZMTP's greeting has 64 bytes; what follows differs, so every few bytes are tried.
  for (std::uint64_t bytes = 1; bytes < 400; bytes += 13) {
    schedule.faults.push_back({.kind = Fault::Kind::cut, .sound_bytes = bytes});
    schedule.faults.push_back({.kind = Fault::Kind::reset, .sound_bytes = 200'000});
  }
  check_complete(2, schedule, {.messages = 10'000});
}

TEST_CASE("cut in the middle of large messages") {
  FaultSchedule schedule = repeated(3, {.kind = Fault::Kind::cut, .sound_bytes = 3'000'000});
  schedule.faults.push_back({.kind = Fault::Kind::stall, .sound_bytes = 500'000, .duration = 1s});
  schedule.faults.push_back({.kind = Fault::Kind::reset, .sound_bytes = 1'000'000});
  schedule.faults.push_back(
      {.kind = Fault::Kind::half_up, .sound_bytes = 1'000'000, .duration = 50ms});
  schedule.faults.push_back(
      {.kind = Fault::Kind::half_down, .sound_bytes = 1'000'000, .duration = 50ms});
  check_complete(2, schedule, {.messages = 8, .bytes = std::size_t{8} << 20});
}

// Around the time after which silence counts as the end of a connection: a stall that ends before
// it is only seen as a delay, one that ends long after it finds the job done.
TEST_CASE("a connection that was given up comes back with what it held") {
  FaultSchedule schedule;
  for (const auto duration :
       {grace / 4 + 50ms, grace / 3, grace / 3 + 100ms, grace / 2 - 200ms, grace / 2}) {
    schedule.faults.push_back(
        {.kind = Fault::Kind::stall_old, .sound_bytes = 500'000, .duration = duration});
  }
  // Small messages share frames, so many that a quiet machine sends fewer bytes for them.
  check_complete(2, schedule, {.messages = 120'000});
}

TEST_CASE("the ranks have done their part and close while the network is broken") {
  for (const auto kind : {Fault::Kind::stall, Fault::Kind::cut, Fault::Kind::half_up,
                          Fault::Kind::half_down, Fault::Kind::stall_down}) {
    check_complete(3, repeated(1, {.kind = kind, .duration = grace / 2}), {.messages = 50});
  }
}

TEST_CASE("cut while the ranks meet") {
  auto schedule = repeated(6, {.kind = Fault::Kind::cut, .sound_bytes = 150, .duration = 50ms});
  schedule.faults.push_back({.kind = Fault::Kind::stall, .sound_bytes = 300, .duration = 500ms});
  schedule.faults.push_back({.kind = Fault::Kind::reset, .sound_bytes = 400});
  check_complete(3, schedule, {.messages = 500}, Begin::rendezvous);
}

// Each of them is a new handshake with keys; the workers' links among each other have keys too.
TEST_CASE("with keys, cut again and again, and while the ranks meet") {
  check_complete(3, repeated(40, {.kind = Fault::Kind::cut, .sound_bytes = 200'000}),
                 {.messages = 4000}, Begin::world_complete, Links::with_keys);
  auto schedule = repeated(4, {.kind = Fault::Kind::cut, .sound_bytes = 200, .duration = 50ms});
  schedule.faults.push_back({.kind = Fault::Kind::stall, .sound_bytes = 500, .duration = 500ms});
  check_complete(3, schedule, {.messages = 500}, Begin::rendezvous, Links::with_keys);
}

TEST_CASE("seeded schedules of faults: all is delivered once and in order, or all are told") {
  const auto one = number_of("RANKWIRE_TEST_SEED", 0);
  const auto count = one != 0 ? 1 : number_of("RANKWIRE_TEST_SCHEDULES", schedules_default);
  for (const auto& seeded : Seeds{one != 0 ? one : 1, count}.run()) check_seeded(seeded);
}

int main(int argc, char** argv) {
  rankwire::log().set_level(spdlog::level::off);
  return doctest::Context{argc, argv}.run();
}
