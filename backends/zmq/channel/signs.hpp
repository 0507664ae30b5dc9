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
        interval_{patience * silence_max(settings) / 2},
        hearing_{roster.is_master() ? roster.size() : 1,
                 patience * (settings.grace + silence_max(settings)) + dialed_again_within,
                 interval_ / 4, look_max} {}

  /// Another process has `rank`, or the first one. If it is one that gives signs, it is watched.
  void begin(int rank) {
    if (roster_[rank].gives_signs) hearing_.sign(rank);
  }
  /// A sign of `rank` has come.
  void heard(int rank, std::uint32_t tag) {
    if (tag == falls_silent_tag) {
      hearing_.silence(rank);
    } else {
      hearing_.sign(rank);
    }
  }
  /// Whether `rank` is judged by its signs: it gives some, and has not said that it falls silent.
  [[nodiscard]] bool judges(int rank) const { return hearing_.is_watched(rank); }
  /// This rank gives no signs until its next look. Nobody is to take it for lost meanwhile.
  void fall_silent() {
    if (kind_ != Kind::sign) return;
    for (int rank = 0; rank < judged_end(); ++rank) {
      if (Link* const link = links_.out(rank)) link->fall_silent();
    }
    next_ = {};
  }
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
    hearing_.find_silent([this](int rank) { return come_from(rank); },
                         [](int) { return Hearing::Duration{}; }, lose);
  }

  /// Whether looks half a second apart are too few: the grace is short, or a rank may be lost soon.
  [[nodiscard]] bool wants_looks() const {
    return interval_ < std::chrono::seconds{1} || hearing_.longest_silence() > late_after();
  }

 private:
  /// The channel's thread, and a wait on a host of many ranks, may sleep for half a second, since
  /// they would be woken. If looks are rarer, this machine is so busy that signs come late, too.
  static constexpr std::chrono::milliseconds look_max{600};
  /// More than handshakes, calls and PINGs have.
  static constexpr std::uint64_t bytes_of_payload = std::uint64_t{64} << 10;

  void give(Deadline::Clock::time_point now) {
    next_ = now + interval_;
    for (int rank = 0; rank < judged_end(); ++rank) {
      if (Link* const link = links_.out(rank)) link->give_sign(kind_);
    }
  }
  /// Those below it are judged, and judge this rank.
  [[nodiscard]] int judged_end() const { return roster_.is_master() ? roster_.size() : 1; }
  [[nodiscard]] Hearing::Duration late_after() const { return 3 * interval_; }

  /// A count that grows with what comes from `rank` and is no sign.
  [[nodiscard]] std::uint64_t come_from(int rank) {
    const Link* const link = links_.out(rank);
    if (link == nullptr) return 0;
    const bool late = hearing_.silence_of(rank) > late_after();
    if (late && link->is_attached() && takes_in(link->connection(), flows_[rank])) {
      ++flows_[rank].times;
    }
    const auto found = flows_.find(rank);
    return link->received() + (found == flows_.end() ? 0 : found->second.times);
  }

  /// A payload that comes from a rank of which nothing else does.
  struct Flow {
    std::uint64_t bytes = 0;  // of the connection, at the last look
    std::uint64_t times = 0;  // how often more had come since the look before
  };
  /// Whether a payload comes over a connection. Costs a few system calls.
  [[nodiscard]] bool takes_in(ConnectionId connection, Flow& flow) const {
    const auto come = wire_.bytes_come(connection);
    if (!come.total) return come.waiting > 0;
    const std::uint64_t before = std::exchange(flow.bytes, *come.total);
    return *come.total >= bytes_of_payload + (*come.total < before ? 0 : before);
  }

  Wire& wire_;
  LinkTable& links_;
  const Roster& roster_;
  Kind kind_;
  std::chrono::milliseconds interval_;
  Hearing hearing_;
  Deadline::Clock::time_point next_{};
  std::map<int, Flow> flows_;  // by rank; of those that were late once
};

}  // namespace rankwire::zmq_wire
