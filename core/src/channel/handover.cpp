#include "rankwire/backend/handover.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace rankwire {
namespace {

bool membarrier(int command) noexcept {
  return syscall(SYS_membarrier, command, 0U, 0) == 0;
}

}  // namespace

Handover::Handover() : asymmetric_{membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)} {}

/// A call that begins now sees taken_, or its begin is seen here.
bool Handover::try_take() noexcept {
  taken_.store(true);
  if (asymmetric_) membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  if (!in_call()) return true;
  give_back();
  return false;
}

void Handover::give_back() noexcept {
  taken_.store(false, std::memory_order_release);
  taken_.notify_all();
}

/// A call that ends now sees dozes_, or its end is seen here. The same holds for `ends`.
void Handover::doze(std::uint64_t call, const std::atomic<bool>& ends) noexcept {
  dozes_.store(true);
  if (asymmetric_) membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  if (is_inside(call) && calls_.load() == call && !ends.load()) dozes_.wait(true);
  dozes_.store(false);
}

void Handover::wake() noexcept {
  dozes_.store(false);
  dozes_.notify_all();
}

void Handover::await_turn() const noexcept {
  taken_.wait(true, std::memory_order_acquire);
}

}  // namespace rankwire
