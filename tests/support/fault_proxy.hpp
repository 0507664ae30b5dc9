#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fault_timetable.hpp"
#include "orders.hpp"

namespace support {

/// A TCP proxy that breaks what passes: it listens on a port of loopback, connects each connection
/// that it accepts to one target, and forwards bytes both ways. It is sound until start() begins a
/// schedule, or until it is told by hand what to break. "Up" is from the side that dialed.
///
/// One thread of its own does all of it. Limits: `links_max` connections (more are closed at once),
/// `held_bytes_max` in each direction of each (then it does not read on, as a full network).
class FaultProxy {
 public:
  using Clock = FaultTimetable::Clock;
  static constexpr std::size_t links_max = 64;
  static constexpr std::size_t held_bytes_max = std::size_t{1} << 18;

  /// Forwards to `target_port` of 127.0.0.1, which nobody needs to listen on yet: a connection that
  /// has no target is closed. Throws std::runtime_error when it cannot listen.
  /// It listens at a free port of 127.0.0.1, or at this very address ("127.0.0.2") and port.
  explicit FaultProxy(std::uint16_t target_port, std::string address = "127.0.0.1",
                      std::uint16_t port = 0);
  /// Cuts all connections.
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// "tcp://127.0.0.1:PORT", or at the address it was given
  [[nodiscard]] std::string endpoint() const;

  /// Begins with the schedule's first sound stretch; once.
  void start(FaultSchedule schedule);

  /// The sound stretch that is on, if any, ends now: the next fault of the schedule begins.
  void hurry();

  // By hand, from any thread, beside or without a schedule; each has happened when it returns.

  /// Closes both sides of all connections; newcomers are welcome.
  void cut_all();
  /// From now on (or no more) nothing is forwarded and no connection ends.
  void stall(bool on);
  /// Of each connection that is made from now on, only so many bytes pass each way, and nothing
  /// behind them; it does not end. (Not given: of newcomers all pass.)
  void pass_first_of_each(std::optional<std::size_t> bytes);
  /// From now on what is read at once and is more than so many bytes does not pass, nor anything
  /// behind it on that connection, as on a path that drops large packets.
  void pass_small_only(std::optional<std::size_t> bytes);
  /// From now on (or no more) nobody listens: the system refuses newcomers, as for a process that
  /// has gone. Connections stay.
  void refuse(bool on);

  /// When the fault of this number (from 0) in the schedule began; nothing if it has not come.
  [[nodiscard]] std::optional<Clock::time_point> began(std::size_t fault) const {
    return timetable_.began(fault);
  }
  /// How many faults of the schedule have begun.
  [[nodiscard]] std::size_t faults_begun() const { return timetable_.faults_begun(); }
  /// Bytes given to either side, and connections accepted, since it was made.
  [[nodiscard]] std::uint64_t bytes_forwarded() const { return bytes_forwarded_; }
  [[nodiscard]] std::uint64_t links_accepted() const { return links_accepted_; }

 private:
  struct Link;
  struct Pipe;
  /// What is broken without a schedule; see the functions above.
  struct ByHand {
    bool stalled = false;
    std::optional<std::size_t> first_of_each, small_only;
  };
  void serve();
  void begin(const Fault& fault);
  void end_links(bool by_reset);
  void half_open(std::size_t closed_side);
  void listen_again();
  void accept_all();
  void connect_to_target(int dialer);
  void add_budget(Clock::duration elapsed);
  void move_bytes();
  void take_in(Link& link, Pipe& pipe);
  void give_out(Link& link, Pipe& pipe);
  void wait();
  [[nodiscard]] bool stalled(const Link& link, const Pipe& pipe) const;
  [[nodiscard]] bool due(const Pipe& pipe) const;

  std::uint16_t target_port_;
  std::string address_;
  std::uint16_t port_ = 0;
  int reserved_ = -1;
  int listener_ = -1;
  std::vector<std::unique_ptr<Link>> links_;
  FaultTimetable timetable_;
  Clock::time_point now_;
  std::array<unsigned char, 2> flips_{};  // of the next byte up, and down; 0: none
  ByHand by_hand_;
  std::atomic<std::uint64_t> bytes_forwarded_{0}, links_accepted_{0};
  std::atomic<bool> stop_{false};
  Orders orders_;
  std::thread thread_;  // last: it uses all the others
};

}  // namespace support
