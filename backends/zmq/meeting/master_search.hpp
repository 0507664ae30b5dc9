#pragma once

#include <optional>
#include <string>
#include <vector>

#include "options/zmq_settings.hpp"
#include "rankwire/deadline.hpp"
#include "reach/address.hpp"
#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// A connection to what may be the master.
struct FoundMaster {
  ConnectionId connection = 0;
  std::string endpoint;  ///< numeric, or a path
  Address own;           ///< of this machine, on the way there; over tcp
};

/// Looks for the master of settings.join: at the addresses of its host, or at the endpoints that an
/// address file names, which is read again and again since an earlier run may have left it. Dials
/// them in turn, the next when the one before has not answered at once, and leaves it to the Wire
/// to try each again.
class MasterSearch {
 public:
  /// Throws UsageError when settings.join cannot be meant.
  MasterSearch(const ZmqSettings& settings, Deadline deadline);

  /// Waits for a connection that stands, hangs up the others and hands it over. Throws Timeout at
  /// the deadline, UsageError where the way there needs keys or --insecure.
  FoundMaster find(Wire& wire);

  /// Whether there may be others to try than the one found.
  [[nodiscard]] bool has_others() const { return !file_.empty() || candidates_.size() > 1; }
  /// What was found is no master, or has gone: the next find begins with the others.
  void put_last(const std::string& endpoint);

  /// Whom it looks for, "the master at tcp://HOST:PORT".
  [[nodiscard]] std::string whom() const;
  /// What each of the addresses says to an attempt now. Takes up to a second.
  [[nodiscard]] std::string what_they_say() const;
  [[noreturn]] void give_up() const;

 private:
  struct Candidate {
    std::string endpoint;  // numeric, a path, or a name without an address
    Address own;           // of this machine, on the way there; over tcp
    std::string obstacle;  // why it is not dialed; empty: it is
    std::string refusal;   // its answer was that it does not want us; it is not dialed again
    int failures = 0;      // of handshakes
    Deadline believed_at = Deadline::never();  // that a cut network is not the reason of them
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
  std::vector<std::string> lines_;  // of the file, when it was last read
  std::string missing_;             // why it named nobody then
  std::vector<Candidate> candidates_;
  bool found_before_ = false;
};

}  // namespace rankwire::zmq_wire
