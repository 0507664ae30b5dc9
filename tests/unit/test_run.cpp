#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <stdexcept>
#include <thread>

#include "../../core/src/start/ranks.hpp"
#include "../support/folder.hpp"
#include "rankwire/backend/backend.hpp"
#include "rankwire/backend/host.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/memory.hpp"

using namespace rankwire;
using namespace std::chrono_literals;

namespace rankwire {
extern const Backend inproc_backend;
}

namespace {

int run_four(const RankFunction& function) {
  Settings settings;
  settings.ranks = 4;
  return run_ranks(inproc_backend.open(settings), function, 60s);
}

/// Waits for a message that does not come; ends when the world does.
void wait_in_vain(Channel& world) {
  (void)world.recv((world.rank() + 1) % world.size(), 1, 60s);
}

/// What `act` writes to stderr.
template <class Act>
std::string said_by(Act&& act) {
  const Folder folder;
  std::fflush(stderr);
  const int kept = dup(STDERR_FILENO);
  const int file = open((folder / "stderr").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(dup2(file, STDERR_FILENO) >= 0);
  act();
  std::fflush(stderr);
  dup2(kept, STDERR_FILENO);
  close(kept);
  close(file);
  return content_of(folder / "stderr");
}

}  // namespace

TEST_CASE("run: every rank runs, and 0 is the code of those who return 0") {
  std::atomic<int> seen{0};
  CHECK(run_four([&](Channel& world) { return (seen += 1 << world.rank()), 0; }) == 0);
  CHECK(seen == 15);
}

TEST_CASE("run: rank 0's code, else the first that is not 0") {
  CHECK(run_four([](Channel& world) { return world.rank() + 7; }) == 7);
  CHECK(run_four([](Channel& world) { return world.rank() < 2 ? 0 : world.rank() + 7; }) == 9);
}

TEST_CASE("run: an exception ends the world with its own code") {
  const auto code = [](auto error) {
    return run_four([&](Channel& world) -> int {
      if (world.rank() == 2) throw error;
      wait_in_vain(world);
      return 0;
    });
  };
  CHECK(code(std::runtime_error{"any"}) == 1);
  CHECK(code(UsageError{"usage"}) == 2);
  CHECK(code(Timeout{"late"}) == 4);
  CHECK(code(Interrupted{"signal", 15}) == 143);
  CHECK(code(5) == 1);
}

TEST_CASE("run: the line of a rank that fails names it once") {
  const std::string said = said_by([] {
    (void)run_four([](Channel& world) {
      if (world.rank() == 2) world.send(0, -5, Buffer{});
      wait_in_vain(world);
      return 0;
    });
  });
  CHECK(said.starts_with(
      fmt::format("rankwire: {}: cannot send with tag -5", name_of(2, host_name(), process_id()))));
  CHECK(std::count(said.begin(), said.end(), '\n') == 1);
}

TEST_CASE("run: a thread that ends by pthread_exit is a rank that was lost") {
  std::atomic<bool> lost{false};
  const int code = run_four([&](Channel& world) {
    if (world.rank() == 2) pthread_exit(nullptr);
    if (world.rank() != 0) return 0;
    try {
      (void)world.recv(2, 1, 60s);
    } catch (const PeerLost&) {
      lost = true;
    }
    return 0;
  });
  CHECK(lost);
  CHECK(code == 0);
}

TEST_CASE("run: a master whose thread ends by pthread_exit has not done its part") {
  CHECK(run_four([](Channel& world) {
          if (world.rank() == 0) pthread_exit(nullptr);
          return 0;
        }) == 3);
}

TEST_CASE("run: a code that is not 0 never becomes 0") {
  for (const auto& [returned, code] : {std::pair{256, 1},
                                       {512, 1},
                                       {1 << 20, 1},
                                       {257, 1},
                                       {-1, 255},
                                       {255, 255},
                                       {263, 7},
                                       {std::numeric_limits<int>::min(), 1}}) {
    CAPTURE(returned);
    CHECK(run_four([returned = returned](Channel& world) {
            return world.rank() == 1 ? returned : 0;
          }) == code);
  }
  // Of an exception, too.
  struct Zero : Error {
    using Error::Error;
    [[nodiscard]] int exit_code() const noexcept override { return 0; }
  };
  CHECK(exit_code_of(Zero{"nothing"}) == 1);
}

TEST_CASE("run: who hears that a rank is gone after it has ended the world hears of the end") {
  for (int i = 0; i < 300; ++i) {
    std::atomic<int> lost{0};
    (void)run_four([&](Channel& world) -> int {
      if (world.rank() == 2) throw std::runtime_error{"the cause"};
      try {
        (void)world.recv(2, 1, 60s);
      } catch (const PeerGone&) {
        ++lost;
      }
      return 0;
    });
    REQUIRE(lost == 0);
  }
}

TEST_CASE("run: one rank runs on the calling thread") {
  Settings settings;
  settings.ranks = 1;
  const auto caller = std::this_thread::get_id();
  CHECK(run_ranks(
            inproc_backend.open(settings),
            [&](Channel&) { return std::this_thread::get_id() == caller ? 0 : 1; }, 1s) == 0);
}

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("run: large blocks come from the heap, and stay there") {
  keep_freed_memory();
  constexpr std::size_t bytes = 16 << 20;
  const auto mapped = mallinfo2().hblks;
  void* const block = std::malloc(bytes);  // as a library does: a Buffer has memory of its own
  *static_cast<volatile std::byte*>(block) = std::byte{1};
  CHECK(mallinfo2().hblks == mapped);
  std::free(block);
  CHECK(mallinfo2().keepcost >= bytes);  // free at the top of the heap, and not given back
}

constexpr std::size_t page_bytes = 4096;

/// A block as libzmq's thread has it for what it receives, with all its pages written.
std::unique_ptr<void, decltype(&std::free)> written_block(std::size_t bytes) {
  void* const block = std::malloc(bytes);
  for (std::size_t at = 0; at < bytes; at += page_bytes) {
    static_cast<volatile std::byte*>(block)[at] = std::byte{1};
  }
  return {block, &std::free};
}

TEST_CASE("run: a thread's heap stays as well, while those before it are in use") {
  keep_freed_memory();
  std::thread{[] {
    constexpr std::size_t bytes = 16 << 20;
    const auto first = written_block(bytes), second = written_block(bytes),
               third = written_block(bytes);
    (void)written_block(bytes);  // has no room beside them in a heap of 64 MiB
    rusage before{}, after{};
    getrusage(RUSAGE_THREAD, &before);
    (void)written_block(bytes);
    getrusage(RUSAGE_THREAD, &after);
    CHECK(after.ru_minflt - before.ru_minflt < static_cast<long>(bytes / page_bytes / 4));
  }}.join();
}
#endif
