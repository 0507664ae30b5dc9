#pragma once

#include <exception>
#include <stdexcept>
#include <string>

#include "rankwire/message.hpp"

namespace rankwire {

/// Exit codes of every program that starts through run(); part of the interface, see README.
enum class ExitCode : int {
  ok = 0,
  failure = 1,  ///< an uncaught exception, or a transport that failed
  usage = 2,    ///< an option, a configuration or a call that cannot be meant
  peer = 3,     ///< a rank was lost, or left without doing its part
  timeout = 4,  ///< a wait reached its deadline
  aborted = 5,  ///< another rank ended the world
  signal = 128  ///< + the signal's number: 130 for SIGINT, 143 for SIGTERM
};

/// Base of all exceptions of the library; named by what the catcher can do about them.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  [[nodiscard]] virtual int exit_code() const noexcept {
    return static_cast<int>(ExitCode::failure);
  }
};

/// Fix your code or your configuration.
class UsageError : public Error {
 public:
  using Error::Error;
  [[nodiscard]] int exit_code() const noexcept override {
    return static_cast<int>(ExitCode::usage);
  }
};

/// Wait longer, or look at the peer that it names.
class Timeout : public Error {
 public:
  using Error::Error;
  [[nodiscard]] int exit_code() const noexcept override {
    return static_cast<int>(ExitCode::timeout);
  }
};

/// Reject the message: its bytes are not what the receiver asked for.
class DecodeError : public Error {
 public:
  using Error::Error;
};

/// The transport failed in a way that names no peer.
class TransportError : public Error {
 public:
  using Error::Error;
};

/// A rank departed; reassign its work. Caught as PeerLost, PeerLeft, or this for both.
class PeerGone : public Error {
 public:
  explicit PeerGone(const std::string& what, Departure departure)
      : Error{what}, departure_{std::move(departure)} {}
  [[nodiscard]] const Departure& departure() const noexcept { return departure_; }
  [[nodiscard]] int rank() const noexcept { return departure_.rank; }
  [[nodiscard]] const std::string& host() const noexcept { return departure_.host; }
  [[nodiscard]] const std::string& reason() const noexcept { return departure_.reason; }
  [[nodiscard]] int exit_code() const noexcept override { return static_cast<int>(ExitCode::peer); }

 private:
  Departure departure_;
};

/// The rank died, hung its connection or was cut off.
class PeerLost : public PeerGone {
 public:
  using PeerGone::PeerGone;
};

/// The rank closed its channel.
class PeerLeft : public PeerGone {
 public:
  using PeerGone::PeerGone;
};

/// A rank ended the world; end too. Its own process exits with what it said to Channel::abort.
class Aborted : public Error {
 public:
  Aborted(const std::string& what, int rank, int exit_code = static_cast<int>(ExitCode::aborted))
      : Error{what}, rank_{rank}, exit_code_{exit_code} {}
  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] int exit_code() const noexcept override { return exit_code_; }

 private:
  int rank_;
  int exit_code_;
};

/// A signal asked this process to end (SIGINT, SIGTERM).
class Interrupted : public Error {
 public:
  Interrupted(const std::string& what, int signal_number) : Error{what}, signal_{signal_number} {}
  [[nodiscard]] int signal_number() const noexcept { return signal_; }
  [[nodiscard]] int exit_code() const noexcept override {
    return static_cast<int>(ExitCode::signal) + signal_;
  }

 private:
  int signal_;
};

/// What the process ends with when a rank returns `code`: the system keeps eight bits of it. A code
/// that is not 0 never becomes 0: 256 and its multiples become 1.
[[nodiscard]] int exit_status(int code) noexcept;

/// The exit code for an exception of any kind; `failure` for those that are not ours. Never 0.
[[nodiscard]] int exit_code_of(const std::exception& error) noexcept;

/// "rank 2 (node7, pid 4711)": how every message of the library names a rank. `pid` 0: not known.
[[nodiscard]] std::string name_of(int rank, const std::string& host, int pid);

/// Throws PeerLost or PeerLeft, as the departure's kind says; `doing` completes "... while ".
[[noreturn]] void throw_departure(const Departure& departure, const std::string& doing);

}  // namespace rankwire
