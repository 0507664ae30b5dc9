#pragma once

#include <memory>
#include <span>
#include <vector>

#include "rankwire/backend/backend.hpp"
#include "rankwire/channel.hpp"
#include "rankwire/settings.hpp"

namespace rankwire {

/// The channels of this process's ranks, in a world that was opened by open(). It owns them. If it
/// is destroyed without close, the ranks end as if their process had died: the others see them lost
/// (clause 10).
class World {
 public:
  /// `channels` are those of this process's ranks, in rank order; at least one.
  explicit World(std::vector<std::unique_ptr<Channel>> channels) : channels_{std::move(channels)} {}

  /// The channel of this process's only rank. Throws UsageError if several ranks live here (inproc
  /// with more than one): each of those needs a thread of its own. See channels(). So it does if
  /// the channels have gone elsewhere.
  [[nodiscard]] Channel& channel();
  /// The channels of all ranks that live here, in rank order. One thread at a time may use each
  /// (clause 9).
  [[nodiscard]] std::span<const std::unique_ptr<Channel>> channels() const { return channels_; }

  /// Closes the channels one after the other, each by Channel::close. Call it from one thread,
  /// while no thread is inside any of them. Throws what Channel::close throws. The channels behind
  /// the one that threw are then still open; if they are destroyed so, the others see their ranks
  /// lost.
  void close(Deadline serve_until = Deadline::poll());

  /// Gives the channels away. channels() is empty afterwards, as in a World that was moved from.
  [[nodiscard]] std::vector<std::unique_ptr<Channel>> release() && { return std::move(channels_); }

 private:
  std::vector<std::unique_ptr<Channel>> channels_;
};

/// Opens the world that `settings` describe. For programs that cannot hand over their main to
/// run(): a library, a binding, a test. Returns when the world is complete (clause 1).
///
/// The transport is settings.transport. If that is empty, it is chosen as run() chooses it, by
/// settings.options and the variables of a launcher. This function reads no command line, no
/// RANKWIRE_* variables and no file. It changes only these things in the process: the level of the
/// library's logger becomes settings.log_level, unless that is empty; the transport's own library
/// does what it does (MPI_Init, the threads of libzmq); and over zmq the soft limit of open files
/// (ulimit -n) becomes the hard one, since each connection needs some. Signals stay as they were:
/// SIGINT ends the process, or does what the program has set up. After catch_interrupts()
/// (interrupt.hpp) it ends waits by Interrupted, also the wait in open().
///
/// Throws UsageError for wrong settings, and says which are wrong; Timeout if ranks did not come;
/// TransportError for anything else.
///
/// Programs call the form in <rankwire/rankwire.hpp>, which knows the backends.
[[nodiscard]] World open(const Settings& settings, std::span<const Backend> backends);

}  // namespace rankwire
