#include "bells.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <thread>

#include "peers.hpp"

namespace rankwire::mpi {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t moving_bytes_max = 100'000'000;

// System calls for which the C library has no function.

bool membarrier(int command) {
  return syscall(SYS_membarrier, command, 0U, 0) == 0;
}

/// Sleeps until woken or for `time`. Returns at once if the word does not hold `expected`. False if
/// the time is over.
bool futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected,
                Deadline::Clock::duration time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  const timespec left{seconds.count(), std::chrono::nanoseconds{time - seconds}.count()};
  return syscall(SYS_futex, &word, FUTEX_WAIT, expected, &left, nullptr, 0) == 0 ||
         errno != ETIMEDOUT;
}

void futex_wake(std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

}  // namespace

Bells::Bells(int ranks) : ranks_{ranks} {
  static_assert(
      sizeof(std::atomic<std::uint32_t>) == 4 && std::atomic<std::uint32_t>::is_always_lock_free,
      "the kernel looks at the word too");
  file_ = memfd_create("rankwire-bells", MFD_CLOEXEC);
  if (file_ < 0) return;
  // The file takes no memory yet: pages do when they are touched.
  if (ftruncate(file_, static_cast<off_t>(map_bytes())) == 0) return;
  ::close(file_);
  file_ = -1;
}

Bells::~Bells() {
  if (words_ != nullptr) munmap(words_, map_bytes());
  if (file_ >= 0) ::close(file_);
}

std::size_t Bells::map_bytes() const {
  return (static_cast<std::size_t>(ranks_) + 1) * sizeof(Word);
}

void Bells::join(const std::vector<PeerFacts>& facts, int self) {
  self_ = self;
  const auto& own = facts[static_cast<std::size_t>(self)];
  const auto sharer = std::find_if(
      facts.begin(), facts.end(), [&](const PeerFacts& peer) { return peer.kernel == own.kernel; });
  int file = -1;
  // Registers before it joins, so that a sleeper's membarrier reaches every rank that could ring.
  if (!own.kernel.empty() && sharer->bells >= 0 &&
      membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED)) {
    file =
        open(fmt::format("/proc/{}/fd/{}", sharer->pid, sharer->bells).c_str(), O_RDWR | O_CLOEXEC);
  }
  if (file >= 0) {
    void* const memory = mmap(nullptr, map_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    if (memory != MAP_FAILED) words_ = static_cast<Word*>(memory);
  }
  if (words_ != nullptr) words_[ranks_].asleep.fetch_add(1, std::memory_order_release);
  // The rank that shares its memory keeps the file open: others may still be about to open it.
  if (&*sharer == &own || file_ < 0) return;
  ::close(file_);
  file_ = -1;
}

bool Bells::all_ring() const {
  return words_ != nullptr && words_[ranks_].asleep.load(std::memory_order_acquire) ==
                                  static_cast<std::uint32_t>(ranks_);
}

void Bells::wake(std::atomic<std::uint32_t>& asleep) {
  if (asleep.exchange(0) != 0) futex_wake(asleep);
}

void Bells::lie_down() {
  own().store(1, std::memory_order_relaxed);
  membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
}

bool Bells::sleep(Deadline::Clock::duration time) {
  return futex_wait(own(), 1, time);
}

void Rest::begin_again() {
  get_up();
  last_ = {};
  waited_ = {};
  sleep_ = {};
}

void Rest::pause(Deadline deadline, bool under_way, std::size_t bytes) {
  const auto now = Deadline::Clock::now();
  if (last_ != Deadline::Clock::time_point{}) waited_ += now - last_;
  last_ = now;
  if (waited_ < policy_.spin) return;
  // Assumes that a GB takes a second.
  const std::chrono::nanoseconds moving{std::min(bytes, moving_bytes_max)};
  if (waited_ < policy_.spin + policy_.yield + moving) {
    std::this_thread::yield();
  } else {
    sleep(deadline.remaining(), under_way);
  }
}

void Rest::sleep(Duration at_most, bool under_way) {
  if (under_way) {
    // Steps that are short enough to keep a network busy.
    get_up();
    sleep_ = 200us;
    std::this_thread::sleep_for(std::min(sleep_, at_most));
    return;
  }
  if (bells_.shared() && !lying_) {
    bells_.lie_down();
    lying_ = true;
    return;  // the caller looks once more, then comes back
  }
  sleep_ = std::clamp<Duration>(sleep_ * 2, 50us, policy_.sleep_max * (bells_.all_ring() ? 50 : 1));
  if (!lying_) {
    std::this_thread::sleep_for(std::min(sleep_, at_most));
  } else if (bells_.sleep(std::min(sleep_, at_most))) {
    // A rank that rings has sent something, which may need a moment more to be seen.
    begin_again();
  }
}

}  // namespace rankwire::mpi
