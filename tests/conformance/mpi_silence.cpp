#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "rankwire/backend/backend.hpp"

// Under `mpiexec --enable-recovery` a rank that is silent for the grace is lost, though no kernel
// says that its process ended (clause 8); one that computes is not. The argument says what happens:
//
//     kill-near  rank 2 dies, and the kernel says so
//     kill-far   rank 2 dies, on another host
//     stop       rank 2 is stopped for a while, and told afterwards that it was given up
//     cut        rank 2's host is cut off by whoever runs this, when rank 0 says so
//     master     rank 0 is stopped for a while: the others have lost the world
//     compute    each rank is busy for several graces in turn, and nobody is lost
//
// The test goes by the line that rank 0 prints when all are content.

namespace rankwire {
extern const Backend mpi_backend;
}

namespace {

using namespace rankwire;
using namespace std::chrono_literals;

constexpr auto grace = 2s;
constexpr auto busy = 3 * grace;
constexpr auto stopped = 8 * grace;
constexpr auto patience = 60s;
/// For a busy machine.
constexpr auto noticed_within = 7 * grace;
enum : int { tag_words = 1, tag_verdict, tag_turn };

using Clock = Deadline::Clock;

/// Stops this process, with all of its threads, until another one lets it go on.
void be_stopped(std::chrono::seconds time) {
  const auto wake =
      fmt::format("(sleep {}; kill -CONT {}) >/dev/null 2>&1 &", time.count(), getpid());
  if (std::system(wake.c_str()) != 0) std::printf("mpi_silence: no process to wake this one\n");
  std::raise(SIGSTOP);
}

/// Says what is wrong with the way in which a receive from `rank` ends, or nothing.
std::string must_lose(Channel& world, int rank, Deadline deadline, const std::string& why) {
  try {
    (void)world.recv(rank, any_tag, deadline);
  } catch (const PeerLost& lost) {
    if (lost.rank() != rank) return fmt::format("lost rank {}, not {}. ", lost.rank(), rank);
    if (lost.reason().find(why) != std::string::npos) return {};
    return fmt::format("rank {} was lost since: {}. ", rank, lost.reason());
  }
  return fmt::format("rank {} was not lost. ", rank);
}

/// Says what is wrong with rank 2's last words, or nothing.
std::string hear_last_words(Channel& world) {
  const auto words = world.recv(2, tag_words, patience);
  return words && words->payload.text() == "adieu" ? "" : "rank 2's last words are missing. ";
}

/// What ranks 0 and 1 see of the end of rank 2.
std::string mourn(Channel& world, const std::string& why) {
  std::string failure;
  const auto start = Clock::now();
  if (world.rank() == 0) {
    // Computes. A call that only polls then finds what the thread has noticed meanwhile.
    const Deadline end{noticed_within};
    while (!end.expired() && !world.departure(2)) std::this_thread::sleep_for(2 * grace);
    failure += must_lose(world, 2, Deadline::poll(), why);
  } else {
    failure += must_lose(world, 2, patience, why);
    if (Clock::now() - start > noticed_within) failure += "it was noticed late. ";
  }
  if (world.departure(1 - world.rank())) failure += "the living one is said to have departed. ";
  return failure;
}

/// Ranks 0 and 1 tell each other; rank 0 says what came of it.
int conclude(Channel& world, std::string verdict, const char* content) {
  const int other = 1 - world.rank();
  world.send(other, tag_verdict, Buffer::copy_of(verdict));
  const auto theirs = world.recv(other, tag_verdict, patience);
  verdict += theirs ? theirs->payload.text() : "no verdict of the other rank";
  if (world.rank() == 0) {
    std::printf("mpi_silence: %s\n", verdict.empty() ? content : verdict.c_str());
    std::fflush(stdout);
  }
  world.close(patience);
  return verdict.empty() ? 0 : 1;
}

int lose_rank_2(Channel& world, bool is_stopped, const std::string& why) {
  if (world.rank() != 2) {
    std::string verdict = world.info().detects_loss ? "" : "info() says that no loss is noticed. ";
    verdict += hear_last_words(world);
    verdict += mourn(world, why);
    // Rank 2 comes back, and must hear of rank 0 that it was given up.
    if (is_stopped) (void)world.recv(1 - world.rank(), tag_turn, Deadline{stopped});
    return conclude(world, std::move(verdict), "both went on");
  }
  for (const int peer : {0, 1}) world.send(peer, tag_words, Buffer::copy_of("adieu"));
  std::this_thread::sleep_for(500ms);
  if (!is_stopped) std::raise(SIGKILL);
  be_stopped(stopped);
  std::string verdict;
  for (const int peer : {0, 1}) verdict += must_lose(world, peer, patience, "gave this rank up");
  std::printf("mpi_silence: rank 2 %s\n", verdict.empty() ? "was told" : verdict.c_str());
  return verdict.empty() ? 0 : 1;
}

int cut_off_rank_2(Channel& world) {
  if (world.rank() != 2) {
    std::string verdict = hear_last_words(world);
    const int other = 1 - world.rank();
    world.send(other, tag_turn, Buffer{});
    (void)world.recv(other, tag_turn, patience);
    if (world.rank() == 0) {
      std::printf("mpi_silence: cut here\n");
      std::fflush(stdout);
    }
    verdict += mourn(world, "out of reach");
    return conclude(world, std::move(verdict), "both went on");
  }
  for (const int peer : {0, 1}) world.send(peer, tag_words, Buffer::copy_of("adieu"));
  std::string verdict;
  for (const int peer : {0, 1}) verdict += must_lose(world, peer, patience, "out of reach");
  // Its words do not reach mpiexec any more.
  std::fprintf(stderr, "mpi_silence: rank 2 %s\n", verdict.empty() ? "is alone" : verdict.c_str());
  return verdict.empty() ? 0 : 1;
}

int lose_rank_0(Channel& world) {
  if (world.rank() == 0) {
    std::this_thread::sleep_for(500ms);
    be_stopped(stopped);
    std::string verdict;
    for (const int peer : {1, 2}) verdict += must_lose(world, peer, patience, "");
    std::printf("mpi_silence: %s\n", verdict.empty() ? "all lost the world" : verdict.c_str());
    return verdict.empty() ? 0 : 1;
  }
  std::string verdict;
  for (const int peer : {0, 3 - world.rank()}) verdict += must_lose(world, peer, patience, "");
  if (!verdict.empty()) std::printf("mpi_silence: rank %d: %s\n", world.rank(), verdict.c_str());
  std::this_thread::sleep_for(stopped);  // rank 0 must hear of it
  return verdict.empty() ? 0 : 1;
}

/// Each rank in turn is busy while the others wait for it: with itself, and with MPI.
int be_busy(Channel& world) {
  std::string verdict;
  for (const bool uses_mpi : {false, true}) {
    for (int turn = 0; turn < world.size(); ++turn) {
      if (turn != world.rank()) {
        (void)world.recv(turn, tag_turn, patience);
        continue;
      }
      if (uses_mpi) {
        const Channel::Use use{world};
        std::this_thread::sleep_for(busy);
      } else {
        const Deadline end{busy};
        while (!end.expired()) {
        }
      }
      for (int peer = 0; peer < world.size(); ++peer) {
        if (peer != turn) world.send(peer, tag_turn, Buffer{});
      }
    }
  }
  for (int peer = 0; peer < world.size(); ++peer) {
    const auto departure = world.departure(peer);  // it may have closed by now
    if (departure && departure->kind == Departure::Kind::lost)
      verdict += fmt::format("rank {} was lost. ", peer);
  }
  if (world.rank() < 2) return conclude(world, std::move(verdict), "nobody was lost");
  world.close(patience);
  return 0;
}

int run_case(Channel& world, const std::string& name) {
  if (name == "kill-near") return lose_rank_2(world, false, "its process ended");
  if (name == "kill-far") return lose_rank_2(world, false, "out of reach");
  if (name == "cut") return cut_off_rank_2(world);
  if (name == "stop") return lose_rank_2(world, true, "out of reach");
  if (name == "master") return lose_rank_0(world);
  return be_busy(world);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  Settings settings;
  settings.grace = grace;
  auto channels = mpi_backend.open(settings);
  try {
    return run_case(*channels.front(), name);
  } catch (const std::exception& error) {
    std::printf("mpi_silence: %s\n", error.what());
    std::fflush(stdout);
    return 1;
  }
}
