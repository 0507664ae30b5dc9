#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rankwire/deadline.hpp"
#include "reach/descriptor.hpp"

namespace rankwire::zmq_wire {

/// How long a probe waits for an answer.
inline constexpr std::chrono::milliseconds probe_limit{1000};

/// Tries one connection, to find out whether a process listens at an address and, if asked, whether
/// it lives. The system accepts connections for a stopped process, too; but only a running libzmq
/// sends the first bytes of its greeting, whatever its program does. A probe sends nothing. It
/// closes what it opens as soon as the outcome is known.
class Probe {
 public:
  enum class Until : std::uint8_t {
    accepted,  ///< until a connection stands
    spoke      ///< until something has come over it
  };
  enum class Outcome : std::uint8_t {
    accepted,  ///< somebody listens there
    refused,   ///< the host says that nobody listens there
    silent,    ///< no answer within the limit, or no way there; the network may be the cause
    spoke,     ///< somebody listens there, and has sent something
    mute       ///< accepted, but nothing came within the limit or before it was closed
  };

  /// Begins the probe. `endpoint` is numeric, "tcp://1.2.3.4:5" or "tcp://[::1]:5", or
  /// "ipc:///PATH". Throws UsageError for anything else. Waits for the connection for `limit`; when
  /// it stands, for `word_limit` in all if that is longer.
  Probe(const std::string& endpoint, std::chrono::milliseconds limit, Until until = Until::accepted,
        std::chrono::milliseconds word_limit = {});

  /// The outcome, or nothing if there is none yet. Does not wait.
  [[nodiscard]] std::optional<Outcome> outcome();
  /// The outcome in words: "accepted", "Connection refused", "no answer", "No route to host", ...
  /// Before there is one: "no answer yet".
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void look_for_connection();
  void look_for_word();
  void decide(int error);
  void decide(Outcome outcome, std::string text);

  Descriptor socket_;
  Until until_;
  bool stands_ = false;
  Deadline limit_, word_limit_;
  std::optional<Outcome> outcome_;
  std::string text_ = "no answer yet";
};

/// Probes all of these numeric endpoints at once. Waits at most `limit`, and returns the probes in
/// the same order.
[[nodiscard]] std::vector<Probe> probe_all(const std::vector<std::string>& endpoints,
                                           std::chrono::milliseconds limit);

/// The numeric endpoint at which to dial `endpoint`. A path stays as it is. A host may be given by
/// its name. If the name has several addresses, returns the first one that accepts a connection
/// within a second; if none does, the first of all. Throws UsageError if the name has no address.
[[nodiscard]] std::string dialable(const std::string& endpoint);

}  // namespace rankwire::zmq_wire
