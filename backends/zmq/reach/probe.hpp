#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rankwire/deadline.hpp"
#include "reach/descriptor.hpp"

namespace rankwire::zmq_wire {

/// How long an answer is waited for.
inline constexpr std::chrono::milliseconds probe_limit{1000};

/// One attempt at a connection, which tells whether a process listens at an address, and, where
/// that is asked, whether it lives: the system accepts connections for a process that is stopped,
/// too; but only a running libzmq says the first bytes of its greeting, whatever its program does.
/// Sends nothing; closes what it opens as soon as the outcome is known.
class Probe {
 public:
  enum class Until : std::uint8_t {
    accepted,  ///< a connection stands
    spoke      ///< and something was said over it
  };
  enum class Outcome : std::uint8_t {
    accepted,  ///< somebody listens there
    refused,   ///< the host says that nobody does
    silent,    ///< no answer within the limit, or no way there: it may be the network
    spoke,     ///< somebody listens there, and speaks
    mute       ///< accepted, and nothing was said within the limit, or before it was closed
  };

  /// Begins; `endpoint` is numeric, "tcp://1.2.3.4:5" or "tcp://[::1]:5", or "ipc:///PATH". Throws
  /// UsageError for anything else.
  Probe(const std::string& endpoint, std::chrono::milliseconds limit,
        Until until = Until::accepted);

  /// What came of it, or nothing yet. Does not wait.
  [[nodiscard]] std::optional<Outcome> outcome();
  /// The outcome in words: "accepted", "Connection refused", "no answer", "No route to host", ...;
  /// "no answer yet" before there is one.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void look_for_connection();
  void look_for_word();
  void decide(int error);
  void decide(Outcome outcome, std::string text);

  Descriptor socket_;
  Until until_;
  bool stands_ = false;
  Deadline limit_;
  std::optional<Outcome> outcome_;
  std::string text_ = "no answer yet";
};

/// Probes all of these numeric endpoints at once, waits for the outcomes at most `limit`, and gives
/// them in the same order.
[[nodiscard]] std::vector<Probe> probe_all(const std::vector<std::string>& endpoints,
                                           std::chrono::milliseconds limit);

/// The numeric endpoint at which to dial `endpoint`, whose host may be a name (a path stays as it
/// is). Of several addresses
/// it is the first that accepts a connection within a second (it waits for no longer), else the
/// first. Throws UsageError when the name has no address.
[[nodiscard]] std::string dialable(const std::string& endpoint);

}  // namespace rankwire::zmq_wire
