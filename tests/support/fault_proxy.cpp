#include "fault_proxy.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <stdexcept>
#include <utility>

#include "sockets.hpp"

namespace support {
namespace {

using namespace std::chrono_literals;
using Kind = Fault::Kind;
using Clock = FaultProxy::Clock;

constexpr auto nap = 100ms;           // longest time between two looks at the clock
constexpr auto throttle_tick = 10ms;  // a throttled link gets its bytes in portions
constexpr std::size_t portion_bytes = std::size_t{64} << 10;

}  // namespace

/// One direction of a link: what was read on one side and not yet written to the other.
struct FaultProxy::Pipe {
  struct Piece {
    Clock::time_point due;
    std::vector<char> bytes;
    std::size_t written = 0;
  };
  std::size_t from = 0, to = 1;  // of Link::side
  std::deque<Piece> pieces;
  std::size_t held_bytes = 0;
  double budget_bytes = 0;                // of a throttled link
  bool ended = false;                     // there is no more to read
  std::optional<std::size_t> left_bytes;  // that may pass
  bool stuck = false;                     // nothing more passes, ever
};

struct FaultProxy::Link {
  std::array<int, 2> side{-1, -1};  // the dialer's, the target's
  std::array<Pipe, 2> pipes;
  std::optional<Clock::time_point> silent_until;  // half-open: then it is closed
  bool old = false;                               // stood when the fault that is on began
  bool over = false;

  Link(int dialer, int target) : side{dialer, target} { std::swap(pipes[1].from, pipes[1].to); }
  ~Link() { end(false); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  void end(bool by_reset) {
    for (int& fd : side) close_socket(fd, by_reset);
    over = true;
  }
};

FaultProxy::FaultProxy(std::uint16_t target_port, std::string address, std::uint16_t port)
    : target_port_{target_port}, address_{std::move(address)} {
  // Never listens, and keeps the port while refuse() is on.
  reserved_ = bound_socket(address_, port);
  port_ = port_of(reserved_);
  listen_again();
  if (port_ == 0 || listener_ < 0) {
    throw std::runtime_error{fmt::format("the proxy cannot listen: {}", std::strerror(errno))};
  }
  now_ = Clock::now();
  thread_ = std::thread{[this] { serve(); }};
}

FaultProxy::~FaultProxy() {
  orders_.give([this] { stop_ = true; });
  thread_.join();
  links_.clear();
  for (const int fd : {listener_, reserved_}) {
    if (fd >= 0) close(fd);
  }
}

std::string FaultProxy::endpoint() const {
  return fmt::format("tcp://{}:{}", address_, port_);
}

void FaultProxy::start(FaultSchedule schedule) {
  orders_.give([this, &schedule] { timetable_.start(std::move(schedule), now_); });
}

void FaultProxy::hurry() {
  orders_.give([this] { timetable_.hurry(); });
}

void FaultProxy::cut_all() {
  orders_.give([this] { end_links(false); });
}

void FaultProxy::stall(bool on) {
  orders_.give([this, on] { by_hand_.stalled = on; });
}

void FaultProxy::pass_first_of_each(std::optional<std::size_t> bytes) {
  orders_.give([this, bytes] { by_hand_.first_of_each = bytes; });
}

void FaultProxy::pass_small_only(std::optional<std::size_t> bytes) {
  orders_.give([this, bytes] { by_hand_.small_only = bytes; });
}

void FaultProxy::refuse(bool on) {
  orders_.give([this, on] {
    if (on) {
      close_socket(listener_, false);
    } else {
      listen_again();
    }
  });
}

void FaultProxy::serve() {
  while (!stop_) {
    const auto before = std::exchange(now_, Clock::now());
    add_budget(now_ - before);
    orders_.take();
    while (timetable_.begins(now_)) begin(*timetable_.on());
    accept_all();
    move_bytes();
    std::erase_if(links_, [](const auto& link) { return link->over; });
    if (!stop_) wait();
  }
}

void FaultProxy::begin(const Fault& fault) {
  for (auto& link : links_) link->old = true;
  if (fault.kind == Kind::cut || fault.kind == Kind::reset) end_links(fault.kind == Kind::reset);
  if (fault.kind == Kind::half_up) half_open(0);
  if (fault.kind == Kind::half_down) half_open(1);
  const auto mask = static_cast<unsigned char>(1U << (fault.bit % 8));
  if (fault.kind == Kind::flip_up) flips_[0] = mask;
  if (fault.kind == Kind::flip_down) flips_[1] = mask;
}

void FaultProxy::end_links(bool by_reset) {
  for (auto& link : links_) link->end(by_reset);
  links_.clear();
}

/// Closes one side of each connection and leaves the other without a word.
void FaultProxy::half_open(std::size_t closed_side) {
  for (auto& link : links_) {
    if (link->silent_until) continue;
    close_socket(link->side[closed_side], false);
    link->silent_until = timetable_.ends_at();
  }
}

void FaultProxy::listen_again() {
  if (listener_ >= 0) return;
  listener_ = bound_socket(address_, port_);
  if (listener_ >= 0 && listen(listener_, static_cast<int>(links_max)) != 0) {
    close_socket(listener_, false);
  }
}

void FaultProxy::accept_all() {
  const Fault* const fault = timetable_.on();
  if (by_hand_.stalled || (fault && fault->kind == Kind::stall)) return;
  const bool closed = fault != nullptr && (fault->kind == Kind::cut || fault->kind == Kind::reset);
  while (listener_ >= 0) {
    int dialer = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (dialer < 0) return;
    ++links_accepted_;
    if (closed || links_.size() >= links_max) {
      close_socket(dialer, fault && fault->kind == Kind::reset);
    } else {
      connect_to_target(dialer);
    }
  }
}

void FaultProxy::connect_to_target(int dialer) {
  int target = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  hold_little(target);
  const auto address = loopback(target_port_);
  const int yes = 1;
  for (const int fd : {dialer, target}) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (connect(target, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    close_socket(dialer, false);
    close_socket(target, false);
    return;
  }
  links_.push_back(std::make_unique<Link>(dialer, target));
  for (auto& pipe : links_.back()->pipes) pipe.left_bytes = by_hand_.first_of_each;
}

void FaultProxy::add_budget(Clock::duration elapsed) {
  const Fault* const fault = timetable_.on();
  const auto rate = fault ? static_cast<double>(fault->bytes_per_s) : 0.0;
  const double seconds =
      std::chrono::duration<double>(std::min<Clock::duration>(elapsed, nap)).count();
  for (auto& link : links_) {
    for (auto& pipe : link->pipes) {
      pipe.budget_bytes = std::min(pipe.budget_bytes + rate * seconds, rate / 10);
    }
  }
}

bool FaultProxy::stalled(const Link& link, const Pipe& pipe) const {
  if (by_hand_.stalled || link.silent_until) return true;
  const Fault* const fault = timetable_.on();
  if (!fault) return false;
  return fault->kind == Kind::stall || (fault->kind == Kind::stall_old && link.old) ||
         (fault->kind == Kind::stall_up && pipe.from == 0) ||
         (fault->kind == Kind::stall_down && pipe.from == 1);
}

void FaultProxy::move_bytes() {
  for (auto& link : links_) {
    if (link->silent_until && now_ >= *link->silent_until) link->end(false);
    for (auto& pipe : link->pipes) {
      if (link->over || stalled(*link, pipe)) continue;
      take_in(*link, pipe);
      give_out(*link, pipe);
      if (pipe.ended && pipe.pieces.empty()) link->end(false);
    }
  }
}

void FaultProxy::take_in(Link& link, Pipe& pipe) {
  const Fault* const fault = timetable_.on();
  const auto held = fault && fault->kind == Kind::delay ? fault->held : 0ms;
  if (pipe.ended || pipe.held_bytes >= held_bytes_max) return;
  std::vector<char> bytes(portion_bytes);
  const ssize_t size = recv(link.side[pipe.from], bytes.data(), bytes.size(), 0);
  // The target may not have taken the connection yet: that is no end.
  if (size < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN)) return;
  if (size <= 0) {
    pipe.ended = true;
    return;
  }
  bytes.resize(static_cast<std::size_t>(size));
  pipe.stuck = pipe.stuck || (by_hand_.small_only && bytes.size() > *by_hand_.small_only);
  if (pipe.stuck) return;  // lost for ever
  pipe.held_bytes += bytes.size();
  pipe.pieces.push_back({now_ + held, std::move(bytes), 0});
}

bool FaultProxy::due(const Pipe& pipe) const {
  const Fault* const fault = timetable_.on();
  const bool throttled = fault && fault->kind == Kind::throttle;
  return !pipe.pieces.empty() && pipe.pieces.front().due <= now_ &&
         (!throttled || pipe.budget_bytes >= 1);
}

void FaultProxy::give_out(Link& link, Pipe& pipe) {
  const Fault* const fault = timetable_.on();
  if (!due(pipe)) return;
  auto& piece = pipe.pieces.front();
  std::uint64_t most =
      std::min<std::uint64_t>(timetable_.sound_bytes_left(), piece.bytes.size() - piece.written);
  if (fault && fault->kind == Kind::throttle) {
    most = std::min(most, static_cast<std::uint64_t>(pipe.budget_bytes));
  }
  if (pipe.left_bytes) most = std::min<std::uint64_t>(most, *pipe.left_bytes);
  if (most == 0) return;  // the next fault is about to begin
  auto& flip = flips_[pipe.from];
  char& next = piece.bytes[piece.written];
  const char sound = next;
  if (flip != 0) next = static_cast<char>(static_cast<unsigned char>(next) ^ flip);
  const ssize_t size = ::send(link.side[pipe.to], piece.bytes.data() + piece.written,
                              static_cast<std::size_t>(most), MSG_NOSIGNAL);
  if (size < 0) {
    if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN) link.end(false);
    if (!link.over) next = sound;
    return;
  }
  flip = 0;
  const auto written = static_cast<std::size_t>(size);
  bytes_forwarded_ += written;
  timetable_.note_passed(written);
  pipe.budget_bytes -= static_cast<double>(written);
  pipe.held_bytes -= written;
  if (pipe.left_bytes) *pipe.left_bytes -= written;
  piece.written += written;
  if (piece.written == piece.bytes.size()) pipe.pieces.pop_front();
  if (pipe.left_bytes == std::optional<std::size_t>{0}) {
    pipe.stuck = true;
    pipe.pieces.clear();
    pipe.held_bytes = 0;
  }
}

/// Until something can be done, an order comes, or the clock ends something.
void FaultProxy::wait() {
  auto until = now_ + nap;
  const Fault* const fault = timetable_.on();
  if (fault) until = std::min(until, timetable_.ends_at());
  if (const auto sound = timetable_.sound_until()) until = std::min(until, *sound);
  if (fault && fault->kind == Kind::throttle) until = std::min(until, now_ + throttle_tick);
  if (timetable_.sound_bytes_left() == 0) until = now_;
  const bool deaf = by_hand_.stalled || (fault && fault->kind == Kind::stall);
  std::vector<pollfd> watched{{orders_.wake(), POLLIN, 0}, {deaf ? -1 : listener_, POLLIN, 0}};
  for (const auto& link : links_) {
    std::array<short, 2> events{0, 0};
    for (const auto& pipe : link->pipes) {
      if (stalled(*link, pipe)) continue;
      if (!pipe.ended && pipe.held_bytes < held_bytes_max) events[pipe.from] |= POLLIN;
      if (due(pipe)) events[pipe.to] |= POLLOUT;
      const bool held = !pipe.pieces.empty() && pipe.pieces.front().due > now_;
      if (held) until = std::min(until, pipe.pieces.front().due);
    }
    // A side that nothing is wanted of must not wake us by its end.
    for (const std::size_t side : {0U, 1U}) {
      watched.push_back({events[side] == 0 ? -1 : link->side[side], events[side], 0});
    }
    if (link->silent_until) until = std::min(until, *link->silent_until);
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
  poll(watched.data(), watched.size(), std::max(0, static_cast<int>(left.count())));
}

}  // namespace support
