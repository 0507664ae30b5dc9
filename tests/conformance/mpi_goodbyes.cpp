#include <fmt/format.h>
#include <mpi.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "rankwire/backend/backend.hpp"

// What the end of a world over MPI costs, and who hears of whom (clauses 8 and 10): ranks that have
// exchanged no message hear of each other's end through rank 0, or without it where it is gone or
// computes. Rank 0 prints a line when all ranks are content. With an argument rank 0 dies, and the
// last rank prints it.

namespace rankwire {
extern const Backend mpi_backend;
}

namespace {

using namespace rankwire;
using namespace std::chrono_literals;
using Clock = Deadline::Clock;

constexpr auto patience = 60s;
constexpr int tag = 1;

/// Messages of the library's own that this rank has sent, and their bytes.
long words = 0, word_bytes = 0;
/// Communicators that this rank has made and not freed.
long communicators = 0;

}  // namespace

// MPI's profiling interface: these come before the library's own.

extern "C" int MPI_Isend(const void* bytes, int size, MPI_Datatype type, int dest, int with,
                         MPI_Comm comm, MPI_Request* request) {
  if (with > tag_max) {
    ++words;
    word_bytes += size;
  }
  return PMPI_Isend(bytes, size, type, dest, with, comm, request);
}
extern "C" int MPI_Comm_dup(MPI_Comm comm, MPI_Comm* made) {
  ++communicators;
  return PMPI_Comm_dup(comm, made);
}
extern "C" int MPI_Comm_free(MPI_Comm* comm) {
  --communicators;
  return PMPI_Comm_free(comm);
}

namespace {

std::unique_ptr<Channel> open_world() {
  Settings settings;
  if (std::getenv("TEST_PROGRESS_CALL") != nullptr) settings.progress_thread = false;
  return std::move(mpi_backend.open(settings).front());
}

long sum_of(long mine, MPI_Op op = MPI_SUM) {
  long all = 0;
  MPI_Allreduce(&mine, &all, 1, MPI_LONG, op, MPI_COMM_WORLD);
  return all;
}

/// Says what is wrong with the way in which a receive from `rank` ends, or nothing.
std::string must_leave(Channel& world, int rank, std::chrono::milliseconds within) {
  const auto start = Clock::now();
  try {
    (void)world.recv(rank, any_tag, patience);
    return fmt::format("rank {} was not seen to leave. ", rank);
  } catch (const PeerLeft& left) {
    if (left.rank() != rank) return fmt::format("rank {} left, not {}. ", left.rank(), rank);
  } catch (const PeerLost& lost) {
    return fmt::format("rank {} was lost: {}. ", lost.rank(), lost.reason());
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
  if (took < within) return {};
  return fmt::format("that rank {} left was noticed after {} ms. ", rank, took.count());
}

/// Reads news until all other ranks have left.
std::string must_all_leave(Channel& world) {
  std::vector<int> left(static_cast<std::size_t>(world.size()));
  for (int others = 1; others < world.size(); ++others) {
    const auto event = world.next(any_source, any_tag, patience);
    const auto* const gone = event ? std::get_if<Departure>(&*event) : nullptr;
    if (gone == nullptr) return fmt::format("only {} departures are told. ", others - 1);
    if (gone->kind != Departure::Kind::left)
      return fmt::format("rank {} was lost: {}. ", gone->rank, gone->reason);
    ++left[static_cast<std::size_t>(gone->rank)];
  }
  for (int rank = 0; rank < world.size(); ++rank) {
    const int times = left[static_cast<std::size_t>(rank)];
    if (times != (rank == world.rank() ? 0 : 1))
      return fmt::format("rank {} left {} times. ", rank, times);
  }
  return {};
}

/// Each has exchanged messages with its neighbours only.
std::string close_a_ring() {
  const long before = communicators;
  auto world = open_world();
  const int size = world->size();
  const int right = (world->rank() + 1) % size, left = (world->rank() + size - 1) % size;
  for (int i = 0; i < 10; ++i) {
    world->send(right, tag, Buffer{8});
    (void)world->recv(left, tag, patience);
  }
  // No credit is owed any more.
  (void)world->recv(left, tag, 50ms);
  sum_of(0);
  words = word_bytes = 0;
  const auto start = Clock::now();
  world->close(patience);
  const long took =
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
  const int rank = world->rank();
  world.reset();
  const long all = sum_of(words), bytes = sum_of(word_bytes);
  const long longest = sum_of(took, MPI_MAX);
  const long kept = sum_of(communicators - before);
  if (rank == 0) {
    std::printf("mpi_goodbyes: %d ranks: %ld words of %ld bytes, %ld us\n", size, all, bytes,
                longest);
    std::fflush(stdout);
  }
  std::string failure;
  // Two to neighbours, two to rank 0, one of rank 0; the rest is what rank 0 tells together.
  if (size >= 16 && all > 10L * size) failure = fmt::format("{} words were said. ", all);
  if (kept != 0) failure += fmt::format("{} communicators are left. ", kept);
  return failure;
}

/// One by one, the last waits for all. Nobody has ever sent anything.
std::string leave_without_a_word() {
  auto world = open_world();
  const int rank = world->rank();
  if (rank == world->size() - 1) return must_all_leave(*world);
  if (rank > 1) std::this_thread::sleep_for(rank * 10ms);
  world->close(rank == 0 ? Deadline{patience} : Deadline::poll());
  return {};
}

/// All at once, none serves.
std::string leave_all_at_once() {
  auto world = open_world();
  if (world->rank() == world->size() - 1) return must_all_leave(*world);
  world->close();
  return {};
}

/// Rank 0 is gone before the others; they leave one after the other.
std::string leave_after_the_master() {
  auto world = open_world();
  const int rank = world->rank();
  std::string failure;
  if (rank > 0) failure = must_leave(*world, rank - 1, patience);
  world->close();
  return failure;
}

/// Rank 0 computes, and makes no call for that long. It does not matter to the others.
std::string leave_while_the_master_computes() {
  auto world = open_world();
  const int rank = world->rank();
  std::string failure;
  if (rank == 0) std::this_thread::sleep_for(4s);
  if (rank > 1) failure = must_leave(*world, rank - 1, 3s);
  if (rank > 0) world->close();
  return rank == 0 ? must_all_leave(*world) : failure;
}

/// What was sent comes first, though it is large, and rank 0 tells the others meanwhile.
std::string leave_with_much_under_way() {
  auto world = open_world();
  const int rank = world->rank(), last = world->size() - 1;
  std::string failure;
  constexpr std::size_t bytes = std::size_t{40} << 20U;
  if (rank == 1) {
    for (int i = 0; i < 4; ++i) world->send(last, i, Buffer{i % 2 == 0 ? bytes : 8}, patience);
    world->close(patience);
  } else if (rank == last) {
    for (int i = 0; i < 4; ++i) {
      const auto message = world->recv(1, i, patience);
      if (!message || message->payload.size() != (i % 2 == 0 ? bytes : 8))
        failure += fmt::format("message {} is missing. ", i);
    }
    failure += must_leave(*world, 1, patience);
  } else if (rank > 0) {
    failure = must_leave(*world, 1, patience);
  }
  world->close(patience);
  return failure;
}

/// Rank 0 dies, and its launcher lets the others live: they leave one after the other.
int leave_after_the_masters_death() {
  auto world = open_world();
  const int rank = world->rank();
  if (rank == 0) std::raise(SIGKILL);
  const std::string failure = rank == 1 ? "" : must_leave(*world, rank - 1, patience);
  if (!failure.empty()) std::printf("mpi_goodbyes: rank %d: %s\n", rank, failure.c_str());
  if (rank == world->size() - 1 && failure.empty()) std::printf("mpi_goodbyes: all have left\n");
  std::fflush(stdout);
  world->close();
  return failure.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char**) {
  if (argc > 1) return leave_after_the_masters_death();
  const struct {
    const char* name;
    std::function<std::string()> run;
  } scenes[] = {{"a ring", close_a_ring},
                {"without a word", leave_without_a_word},
                {"all at once", leave_all_at_once},
                {"after the master", leave_after_the_master},
                {"while the master computes", leave_while_the_master_computes},
                {"much under way", leave_with_much_under_way},
                {"a ring again", close_a_ring}};
  int rank = -1;
  long failures = 0;
  for (const auto& scene : scenes) {
    std::string failure;
    try {
      failure = scene.run();
    } catch (const std::exception& error) {
      failure = error.what();
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (!failure.empty())
      std::printf("mpi_goodbyes: %s: rank %d: %s\n", scene.name, rank, failure.c_str());
    std::fflush(stdout);
    failures += sum_of(failure.empty() ? 0 : 1);
  }
  if (rank == 0 && failures == 0) std::printf("mpi_goodbyes: all is well\n");
  return failures == 0 ? 0 : 1;
}
