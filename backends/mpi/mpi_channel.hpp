#pragma once

#include <mpi.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mpi_bells.hpp"
#include "mpi_incoming.hpp"
#include "mpi_outgoing.hpp"
#include "mpi_session.hpp"
#include "rankwire/backend/mailbox.hpp"
#include "rankwire/backend/window.hpp"
#include "rankwire/channel.hpp"

namespace rankwire::mpi {

/// What rank 0 decides for all.
struct Limits {
  std::uint64_t window_bytes = 0;
  std::uint64_t message_bytes_max = 0;
};

/// One rank's end of a world over MPI. Whatever waits polls, and takes in all that comes while it
/// does; MPI cannot wake anybody, so ranks of one host do (Bells).
class MpiChannel final : public Channel {
 public:
  MpiChannel(Session& session, const Settings& settings, const Limits& limits, Comms comms);
  ~MpiChannel() override;
  MpiChannel(const MpiChannel&) = delete;
  MpiChannel& operator=(const MpiChannel&) = delete;
  MpiChannel(MpiChannel&&) = delete;
  MpiChannel& operator=(MpiChannel&&) = delete;

 private:
  void do_send(int dest, int tag, Buffer&& payload, Deadline deadline) override;
  void do_send_borrowed(int dest, int tag, std::span<const std::byte> payload,
                        Deadline deadline) override;
  std::optional<Event> do_next(const Wanted& wanted, Deadline deadline) override;
  std::optional<Departure> do_departure(int rank) override;
  [[nodiscard]] Info do_info() const override;
  void do_close(Deadline serve_until) override;
  void do_abort(int exit_code, const std::string& what) noexcept override;

  /// Bounds what is waited for when nothing may come of it: the last moves of and towards a rank
  /// that goes.
  static constexpr std::chrono::seconds last_moves{1};

  // One look, in parts. Each says whether it found something.
  bool take_in(const Wanted* wanted, std::optional<Event>& event);
  bool take_once(const Wanted* wanted, std::optional<Event>& event);
  bool take_in();
  bool look_around();
  void heed(int source, const Note& note);
  void settle_goodbyes();
  void watch_processes();
  void pause(Rest& rest, Deadline deadline) const;
  /// Takes in what comes until `done()` or the deadline; says whether it is done.
  template <class Done>
  bool serve_until(Deadline deadline, Done&& done);

  void prepare_send(int dest, std::size_t bytes, Deadline deadline);
  void wait_for_room(int dest, std::size_t bytes, Deadline deadline);
  void note_taken(const Message& taken);
  void depart(int rank, Departure::Kind kind, const char* reason);

  void say_goodbye(bool in_order);
  void end_as_the_dead_do();
  [[nodiscard]] bool nothing_can_come() const;

  /// What a rank said last. It may overtake large payloads, so it counts only when the messages
  /// sent before it are here.
  struct Goodbye {
    std::optional<Note::Kind> kind;
    std::uint64_t messages = 0;
  };

  Session& session_;
  Comms comms_;
  WaitPolicy wait_;
  std::chrono::milliseconds linger_;
  Mailbox mailbox_;
  Windows windows_;
  Outgoing outgoing_;
  Incoming incoming_;
  std::vector<Goodbye> goodbyes_;  // by rank
  int goodbyes_unsettled_ = 0;
  std::size_t ended_seen_ = 0;  // of session_.watch().ended()
  unsigned calls_ = 0;
  bool said_goodbye_ = false;
};

template <class Done>
bool MpiChannel::serve_until(Deadline deadline, Done&& done) {
  Rest rest{wait_, session_.bells()};
  while (!done()) {
    const bool found = take_in();
    if (look_around() || found) {
      rest.begin_again();
      continue;
    }
    if (deadline.expired()) return done();
    pause(rest, deadline);
  }
  return true;
}

}  // namespace rankwire::mpi
