#pragma once

#include <exception>
#include <stdexcept>
#include <string>

#include "rankwire/message.hpp"

namespace rankwire {

/// Exit codes of every program that starts through run(). Part of the interface; the README lists
/// them.
enum class ExitCode : int {
  ok = 0,
  failure = 1,  ///< an uncaught exception, or a transport that failed
  usage = 2,    ///< a wrong option, configuration or call
  peer = 3,     ///< a rank was lost, or left without doing its part
  timeout = 4,  ///< a wait reached its deadline
  aborted = 5,  ///< another rank ended the world
  signal = 128  ///< + the signal's number: 130 for SIGINT, 143 for SIGTERM
};

/// Base of all exceptions of the library. Each class stands for one thing that the catcher can do.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  [[nodiscard]] virtual int exit_code() const noexcept {
    return static_cast<int>(ExitCode::failure);
  }
};

/// A mistake in the program or its configuration: fix that.
class UsageError : public Error {
 public:
  using Error::Error;
  [[nodiscard]] int exit_code() const noexcept override {
    return static_cast<int>(ExitCode::usage);
  }
};

/// A wait reached its deadline: wait longer, or look at the peer that it names.
class Timeout : public Error {
 public:
  using Error::Error;
  [[nodiscard]] int exit_code() const noexcept override {
    return static_cast<int>(ExitCode::timeout);
  }
};

/// The bytes of a message are not what the receiver asked for: reject the message.
class DecodeError : public Error {
 public:
  using Error::Error;
};

/// The transport failed in a way that names no peer.
class TransportError : public Error {
 public:
  using Error::Error;
};

/// A rank departed: give its work to another. Catch PeerLost, PeerLeft, or this class for both.
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

/// A rank ended the world: end as well. The process of that rank exits with the code that it gave
/// to Channel::abort.
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

/// The exit status of a process whose rank returned `code`. The system keeps eight bits of it. A
/// code other than 0 never becomes 0: 256 and its multiples become 1.
[[nodiscard]] int exit_status(int code) noexcept;

/// The exit code for an exception: `failure` for one that is not a rankwire::Error. Never 0.
[[nodiscard]] int exit_code_of(const std::exception& error) noexcept;

/// The name of a rank in every message of the library: "rank 2 (node7, pid 4711)". `pid` is 0 if it
/// is not known.
[[nodiscard]] std::string name_of(int rank, const std::string& host, int pid);

/// Throws PeerLost or PeerLeft, by the kind of `departure`. `doing` completes "... while ".
[[noreturn]] void throw_departure(const Departure& departure, const std::string& doing);

}  // namespace rankwire
