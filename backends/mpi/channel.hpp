#pragma once

#include <mpi.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bells.hpp"
#include "carrier.hpp"
#include "herald.hpp"
#include "inbound.hpp"
#include "job.hpp"
#include "outbound.hpp"
#include "rankwire/backend/ledger.hpp"
#include "rankwire/backend/wait.hpp"
#include "rankwire/channel.hpp"
#include "vigil.hpp"

namespace rankwire::mpi {

/// What rank 0 decides for all.
struct Limits {
  MemoryLimits memory;
  std::uint64_t message_bytes_max = 0;
  std::optional<Signs::Duration> grace;  ///< of ranks that give signs of life; nothing: none do
};

/// One rank's end of a world over MPI. A call that waits polls, and takes in what comes meanwhile.
/// MPI cannot wake a rank, so the ranks of one host wake each other (Bells).
class MpiChannel final : public Channel {
 public:
  MpiChannel(Job& job, const Settings& settings, const Limits& limits, Comms comms);
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
  bool do_progress() override;
  void do_stay_out() override;

  /// A bound on waits that may be in vain: for the last messages to and from a rank that departs.
  static constexpr std::chrono::seconds last_moves{1};

  /// The rounds of a wait (see wait_until).
  struct Rounds {
    MpiChannel& channel;
    void check() const { channel.check(); }
    [[nodiscard]] bool step(Deadline until) const { return channel.step(until); }
    void settle() const { channel.settle(); }
  };
  void check();
  bool step(Deadline until);
  void settle();

  // The parts of a look. Each does a bounded amount of work, and returns whether it found
  // something.
  bool take_in(int looks);
  bool take_once();
  bool look_around();
  bool heed(int source, const Note& note);
  void hear_goodbye(int source, const Note& note);
  void hear_list(int source, const Note& note);
  void settle_goodbyes();
  void pause(Deadline deadline);
  /// Takes in what comes until `done()` is true or the deadline. Returns whether it is done.
  template <class Done, class SayLong>
  bool serve_until(Deadline deadline, const Done& done, const SayLong& say_long);
  template <class Done>
  bool serve_until(Deadline deadline, const Done& done) {
    return serve_until(deadline, done, [] {});
  }

  void prepare_send(int dest, std::size_t bytes, Deadline deadline);
  void wait_for_room(int dest, std::size_t bytes, Deadline deadline);
  void note_taken(const Message& taken);
  void credit(int source, std::uint64_t total);
  void grant();
  void tell_want(const Budget::Want& want);
  void tell_way(const Inbound::Finding& finding);
  void tell_abort() noexcept;
  [[noreturn]] void end_job() noexcept;

  [[nodiscard]] bool is_lost(int rank) const;
  [[nodiscard]] bool owes_goodbye(int rank);
  void say_goodbye(int rank, Note::Kind kind, std::uint32_t group = 0);
  void say_goodbye(Note::Kind kind);
  bool say_goodbye_where_all_came();
  void leave_strangers_to_master();
  [[nodiscard]] bool awaits_answer() const;
  [[nodiscard]] bool master_tells() const;
  void tell_departures();
  void end_telling();
  void end_as_the_dead_do();
  [[nodiscard]] bool nothing_can_come() const;

  Job& job_;
  Comms comms_;
  Rest rest_;
  LookTimer look_timer_;
  bool interruptible_ = true;
  std::chrono::milliseconds linger_;
  Ledger ledger_;
  Outbound outbound_;
  Inbound inbound_;
  int left_whole_ = 0;        // ranks that have said Note::Kind::left
  unsigned empty_looks_ = 0;  // looks in a row that found nothing
  unsigned calls_ = 0;
  std::vector<bool> goodbyes_;  // by rank: whether it was told; empty before this rank ends
  std::vector<int> strangers_;  // ranks to which rank 0 was asked to tell it
  Deadline answer_by_ = Deadline::poll();
  bool answered_ = false;      // it has told them
  bool master_ended_ = false;  // it tells nothing any more
  Vigil vigil_;
  Herald herald_;
};

template <class Done, class SayLong>
bool MpiChannel::serve_until(Deadline deadline, const Done& done, const SayLong& say_long) {
  const Rest::Wait wait{rest_};
  Rounds rounds{*this};
  return wait_until(rounds, deadline, done, say_long);
}

}  // namespace rankwire::mpi
