#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>

#include "rankwire/backend/backend.hpp"

// Under `mpiexec --enable-recovery` the ranks that remain must hear of a death that MPI does not
// report, and go on. Rank 2 kills itself; ranks 0 and 1 must see it lost in every way there is, and
// then still reach each other. mpiexec's exit code speaks of the dead one, so the test goes by the
// line that rank 0 prints when both are content. With an argument, rank 2 aborts instead.

namespace rankwire {
extern const Backend mpi_backend;
}

namespace {

using namespace rankwire;
using namespace std::chrono_literals;

constexpr int tag_last_words = 1;
constexpr int tag_verdict = 2;
constexpr auto patience = 60s;
/// A death is noticed within about 150 ms; this is for a busy machine.
constexpr auto noticed_within = 5s;

/// Says what went wrong, or nothing.
template <class F>
std::string must_lose(const char* doing, F&& call) {
  try {
    call();
  } catch (const PeerLost& lost) {
    if (lost.rank() != 2) return fmt::format("{}: lost rank {}, not 2. ", doing, lost.rank());
    if (lost.reason() != "its process ended") return fmt::format("{}: {}. ", doing, lost.reason());
    return {};
  }
  return fmt::format("{}: ended without PeerLost. ", doing);
}

std::string mourn(Channel& world) {
  // Before its death is seen, what it sent must be there.
  const auto last_words = world.recv(2, tag_last_words, patience);
  if (!last_words || last_words->payload.text() != "adieu")
    return "rank 2's last words are missing";
  std::string failure;
  const auto start = Deadline::Clock::now();
  failure += must_lose("recv(2)", [&] { (void)world.recv(2, any_tag, patience); });
  if (Deadline::Clock::now() - start > noticed_within) failure += "it was noticed late. ";
  failure += must_lose("recv(2) again", [&] { (void)world.recv(2, any_tag, patience); });
  failure += must_lose("send(2)", [&] { world.send(2, 0, Buffer{}); });
  failure +=
      must_lose("recv(any)", [&] { (void)world.recv(any_source, tag_last_words, patience); });
  if (world.departure(1 - world.rank())) failure += "the living one is said to have departed. ";
  return failure;
}

int run_rank(Channel& world) {
  if (world.rank() == 2) {
    for (const int peer : {0, 1}) world.send(peer, tag_last_words, Buffer::copy_of("adieu"));
    std::this_thread::sleep_for(500ms);  // the others have looked for its end before
    std::raise(SIGKILL);
  }
  std::string verdict = world.info().detects_loss ? "" : "info() says that no loss is detected. ";
  verdict += mourn(world);
  const int other = 1 - world.rank();
  world.send(other, tag_verdict, Buffer::copy_of(verdict));
  // From anyone: the loss was acknowledged, so only the living one is left to hear from.
  const auto theirs = world.recv(any_source, tag_verdict, patience);
  verdict += theirs ? theirs->payload.text() : "no verdict of the other rank";
  if (world.rank() == 0) {
    std::printf("mpi_recovery: %s\n", verdict.empty() ? "both went on" : verdict.c_str());
    std::fflush(stdout);
  }
  world.close(patience);
  return verdict.empty() ? 0 : 1;
}

/// Rank 2 ends the world; the launcher ends nobody for it (clause 11).
int run_rank_until_abort(Channel& world) {
  if (world.rank() == 2) {
    std::this_thread::sleep_for(500ms);
    world.abort(7, "no more paper");
  }
  try {
    if (world.rank() == 1) std::this_thread::sleep_for(1s);  // it hears of it in its next call
    (void)world.recv(any_source, any_tag, patience);
  } catch (const Aborted& aborted) {
    if (world.rank() == 0) {
      std::printf("mpi_recovery: rank %d aborted\n", aborted.rank());
      std::fflush(stdout);
    }
    return 0;
  } catch (const std::exception& error) {
    std::printf("mpi_recovery: another exception: %s\n", error.what());
  }
  return 1;
}

}  // namespace

int main(int argc, char**) {
  auto channels = rankwire::mpi_backend.open(rankwire::Settings{});
  return argc > 1 ? run_rank_until_abort(*channels.front()) : run_rank(*channels.front());
}
