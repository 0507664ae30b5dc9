#pragma once

#include <optional>
#include <string>
#include <vector>

#include "options/zmq_settings.hpp"
#include "rankwire/deadline.hpp"
#include "reach/address.hpp"
#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// A connection to a process that may be the master.
struct FoundMaster {
  ConnectionId connection = 0;
  std::string endpoint;  ///< numeric, or a path
  Address own;           ///< this machine's address on the way there; only over tcp
};

/// Looks for the master of settings.join: at the addresses of its host, or at the endpoints in an
/// address file. It reads the file again and again, since an earlier run may have left it. It dials
/// the candidates in turn: the next when the one before has not answered at once. The Wire tries
/// each of them again.
class MasterSearch {
 public:
  /// Throws UsageError if settings.join is not an address.
  MasterSearch(const ZmqSettings& settings, Deadline deadline);

  /// Waits until a connection stands, hangs up the others and returns it. Throws Timeout at the
  /// deadline, and UsageError if the way there needs keys or --insecure.
  FoundMaster find(Wire& wire);

  /// Whether there may be other candidates than the one found.
  [[nodiscard]] bool has_others() const { return !file_.empty() || candidates_.size() > 1; }
  /// The candidate that was found is no master, or has gone. The next find() begins with the
  /// others.
  void put_last(const std::string& endpoint);

  /// Whom it looks for, in words: "the master at tcp://HOST:PORT".
  [[nodiscard]] std::string whom() const;
  /// What an attempt at each of the addresses gives now, in words. Takes up to a second.
  [[nodiscard]] std::string what_they_say() const;
  [[noreturn]] void give_up() const;

 private:
  struct Candidate {
    std::string endpoint;  // numeric, a path, or a name without an address
    Address own;           // this machine's address on the way there; only over tcp
    std::string obstacle;  // why it is not dialed; empty: it is
    std::string refusal;   // why it refuses this worker; it is then not dialed again
    int failures = 0;      // handshakes that failed
    // Handshakes that fail may mean a wrong key, or a network that cuts connections. From this time
    // on the key is blamed.
    Deadline believed_at = Deadline::never();
    bool unknown_name = false;
    ConnectionId connection = 0;
  };

  void look(Wire& wire);
  void read_file(Wire& wire);
  void add_addresses(const std::string& of_endpoint);
  void add(Candidate&& candidate);
  void find_way(Candidate& candidate);
  bool dial_next(Wire& wire);
  std::optional<FoundMaster> take(Wire& wire, const Incoming& incoming);
  void check_user(const Wire& wire, const Candidate& candidate) const;
  void note_failure(Wire& wire, Candidate& candidate, bool key_refused);
  [[nodiscard]] bool has_hope() const;
  [[nodiscard]] std::string why_not(const Candidate& candidate, bool has_keys) const;
  void hang_up_all(Wire& wire);

  const ZmqSettings& settings_;
  Deadline deadline_;
  std::string file_;                // of --join @FILE; empty: none
  std::vector<std::string> lines_;  // the endpoints of the file when it was last read
  std::string missing_;             // why it had none then
  std::vector<Candidate> candidates_;
  bool found_before_ = false;
};

}  // namespace rankwire::zmq_wire
