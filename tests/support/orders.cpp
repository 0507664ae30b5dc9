#include "orders.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <future>
#include <stdexcept>

namespace support {

Orders::Orders() : wake_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  if (wake_ < 0) throw std::runtime_error{"no eventfd"};
}

Orders::~Orders() {
  close(wake_);
}

void Orders::give(const std::function<void()>& what) {
  std::promise<void> done;
  {
    const std::lock_guard lock{mutex_};
    orders_.emplace_back([&] {
      what();
      done.set_value();
    });
  }
  const std::uint64_t one = 1;
  (void)!write(wake_, &one, sizeof one);
  done.get_future().wait();
}

void Orders::take() {
  std::uint64_t ignored = 0;
  (void)!read(wake_, &ignored, sizeof ignored);
  std::vector<std::function<void()>> orders;
  {
    const std::lock_guard lock{mutex_};
    orders.swap(orders_);
  }
  for (const auto& order : orders) order();
}

}  // namespace support
