#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <utility>

#include "links/link_table.hpp"
#include "links/roster.hpp"
#include "rankwire/backend/hearing.hpp"
#include "rankwire/deadline.hpp"
#include "rankwire/settings.hpp"
#include "sockets/silence.hpp"
#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// The signs of life between the master and each worker: both give the other one twice within the
/// silence that ends a connection. Who gives none for the
/// grace is lost, whatever its system and its libzmq still answer: a process that is stopped, a
/// host that is down, a network that drops what is large. (A sign stands behind all that was sent
/// before it. A payload, which may be one frame of a GiB, counts while it comes. That a broken
/// connection comes back counts, too, but not what passes before the first sign over it.)
///
/// A rank without a thread (`--progress call`) gives signs in its calls only. It is not judged by
/// them (Absences judges it by its connection), and calls them acks.
class Signs {
 public:
  /// All outlive this. `patience`: see patience_of().
  Signs(Wire& wire, LinkTable& links, const Roster& roster, const Settings& settings, int patience)
      : wire_{wire},
        links_{links},
        roster_{roster},
        kind_{settings.progress_thread ? Kind::sign : Kind::ack},
        interval_{silence_max(settings) / 2},
        hearing_{roster.is_master() ? roster.size() : 1,
                 settings.grace + patience * silence_max(settings) + dialed_again_within,
                 interval_ / 4, patience * look_max} {}

  /// Another process has `rank`, or the first one. If it is one that gives signs, it is watched.
  void begin(int rank) {
    if (roster_[rank].gives_signs) hearing_.sign(rank);
  }
  void heard(int rank) { hearing_.sign(rank); }
  /// The connection with `rank` has broken, or stands again.
  void went(int rank) { hearing_.went(rank); }
  void came_back(int rank) { hearing_.came_back(rank); }
  /// `rank` has departed.
  void end(int rank) { hearing_.silence(rank); }

  /// Gives the signs that are due. Calls `lose(rank)` for each rank that gave none for too long. To
  /// be called in each round of a wait, and while the program computes.
  template <class Lose>
  void look(const Lose& lose) {
    const auto now = Deadline::Clock::now();
    hearing_.look(now);
    if (now >= next_) give(now);
    hearing_.find_silent([this](int rank) { return received_from(rank); },
                         [](int) { return Hearing::Duration{}; },
                         [&](int rank) {
                           if (takes_in(rank)) return hearing_.sign(rank);
                           lose(rank);
                         });
  }

  /// Whether looks half a second apart are too few: the grace is short, or a rank may be lost soon.
  [[nodiscard]] bool wants_looks() const {
    return interval_ < std::chrono::seconds{1} || hearing_.longest_silence() > 3 * interval_;
  }

 private:
  /// The channel's thread may sleep for half a second, since it would be woken.
  static constexpr std::chrono::milliseconds look_max{600};
  /// More than handshakes, calls and PINGs have.
  static constexpr std::uint64_t bytes_of_payload = std::uint64_t{64} << 10;

  void give(Deadline::Clock::time_point now) {
    next_ = now + interval_;
    const int end = roster_.is_master() ? roster_.size() : 1;
    for (int rank = 0; rank < end; ++rank) {
      if (Link* const link = links_.out(rank)) link->give_sign(kind_);
    }
  }
  [[nodiscard]] std::uint64_t received_from(int rank) const {
    const Link* const link = links_.out(rank);
    return link != nullptr ? link->received() : 0;
  }

  /// Of a rank that was silent for the limit: whether a payload has come from it since the last
  /// time that this was asked.
  [[nodiscard]] bool takes_in(int rank) {
    const Link* const link = links_.out(rank);
    if (link == nullptr || !link->is_attached()) return false;
    const std::uint64_t come = wire_.bytes_come(link->connection());
    const std::uint64_t before = std::exchange(come_[rank], come);
    return come >= bytes_of_payload + (come < before ? 0 : before);
  }

  Wire& wire_;
  LinkTable& links_;
  const Roster& roster_;
  Kind kind_;
  std::chrono::milliseconds interval_;
  Hearing hearing_;
  Deadline::Clock::time_point next_{};
  std::map<int, std::uint64_t> come_;  // by rank; see takes_in
};

}  // namespace rankwire::zmq_wire
