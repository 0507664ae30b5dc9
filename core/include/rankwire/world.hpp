#pragma once

#include <memory>
#include <span>
#include <vector>

#include "rankwire/backend/backend.hpp"
#include "rankwire/channel.hpp"
#include "rankwire/settings.hpp"

namespace rankwire {

/// What one process has of a world of ranks that it opened itself, by open(): the channels of the
/// ranks that live in it. It owns them. Destroyed without close, it ends as a dead process does:
/// the others see its ranks lost (clause 10).
class World {
 public:
  /// Of ranks of this process, in rank order; at least one.
  explicit World(std::vector<std::unique_ptr<Channel>> channels) : channels_{std::move(channels)} {}

  /// The channel of this process's rank. Throws UsageError where several ranks live here (inproc
  /// with more than one), of which each wants a thread of its own: see channels().
  [[nodiscard]] Channel& channel();
  /// One for each rank that lives here, in rank order: each for one thread at a time (clause 9).
  [[nodiscard]] std::span<const std::unique_ptr<Channel>> channels() const { return channels_; }

  /// Closes the channels one after the other, each as Channel::close does. By one thread, when no
  /// other is inside of any. Throws what that throws; those that are not closed by then are lost.
  void close(Deadline serve_until = Deadline::poll());

  /// Gives the channels away; nothing may be called on this world afterwards.
  [[nodiscard]] std::vector<std::unique_ptr<Channel>> release() && { return std::move(channels_); }

 private:
  std::vector<std::unique_ptr<Channel>> channels_;
};

/// Opens the world that `settings` describe, for a program that cannot hand over its main to run():
/// a library, a binding, a test. Returns when the world is complete (clause 1).
///
/// The transport is settings.transport, or chosen by what else is said, as run() chooses it
/// (settings.options, a launcher's variables). Reads no command line, no RANKWIRE_* and no file;
/// changes nothing in the process but the level of the library's logger, to settings.log_level
/// where that is not empty, and what the transport's own library does (MPI_Init, the threads of
/// libzmq). Signals are as they were: SIGINT ends the process, or whatever the program has asked
/// for; after catch_interrupts() (interrupt.hpp) it ends waits by Interrupted, also that of open.
///
/// Throws UsageError for settings that cannot be meant, and says which; Timeout when ranks did not
/// come; TransportError for the rest.
///
/// Programs call the form of <rankwire/rankwire.hpp>, which knows the backends.
[[nodiscard]] World open(const Settings& settings, std::span<const Backend> backends);

}  // namespace rankwire
