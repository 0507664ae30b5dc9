#include "sockets/gate.hpp"

#include <linux/filter.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

namespace rankwire::zmq_wire {
namespace {

/// As many calls as the system queues, and more, may come at once; or 8 offences.
constexpr double budget = 2048;
constexpr double budget_back_per_second = 256;
/// A larger debt counts as this one, so the gate does not stay closed for longer.
constexpr double debt_max = 256;
/// The gate opens when the budget has room for an offence again.
constexpr double open_below = budget - Gate::cost_of_offence;
constexpr std::chrono::milliseconds gate_look_interval{10};

}  // namespace

void Gate::look() {
  if (used_ <= 0 || !next_look_.expired()) return;
  next_look_ = gate_look_interval;
  const auto now = Deadline::Clock::now();
  const auto passed = std::min(std::chrono::duration<double>(now - looked_),
                               std::chrono::duration<double>(budget / budget_back_per_second));
  looked_ = now;
  used_ = std::clamp(used_ - budget_back_per_second * passed.count(), 0.0, budget + debt_max);
  if (!closed_ && used_ > budget) {
    closed_ = true;
    close();
  } else if (closed_ && used_ < open_below) {
    closed_ = false;
    open();
  }
}

/// Sets a filter of the system on the sockets that listen. Of segments that begin a connection (SYN
/// without ACK), it lets one of four pass.
void Gate::close() const {
  constexpr auto code = [](int what) { return static_cast<std::uint16_t>(what); };
  constexpr std::uint32_t flags_at_byte = 13, syn_or_ack = 0x12, syn = 0x02, all = 0xffffffff;
  std::array<sock_filter, 8> program{{
      {code(BPF_LD | BPF_B | BPF_ABS), 0, 0, flags_at_byte},
      {code(BPF_ALU | BPF_AND | BPF_K), 0, 0, syn_or_ack},
      {code(BPF_JMP | BPF_JEQ | BPF_K), 0, 3, syn},
      {code(BPF_LD | BPF_W | BPF_ABS), 0, 0,
       static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM)},
      {code(BPF_ALU | BPF_AND | BPF_K), 0, 0, 3},
      {code(BPF_JMP | BPF_JEQ | BPF_K), 0, 1, 0},
      {code(BPF_RET | BPF_K), 0, 0, all},
      {code(BPF_RET | BPF_K), 0, 0, 0},
  }};
  const sock_fprog filter{static_cast<std::uint16_t>(program.size()), program.data()};
  for (const int descriptor : listening_) {
    setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
  }
}

void Gate::open() const {
  const int nothing = 0;
  for (const int descriptor : listening_) {
    setsockopt(descriptor, SOL_SOCKET, SO_DETACH_FILTER, &nothing, sizeof nothing);
  }
}

}  // namespace rankwire::zmq_wire
