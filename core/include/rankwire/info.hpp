#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rankwire {

/// One rank, as the others see it. The texts are empty if this rank does not know it (clause 13).
struct PeerInfo {
  int rank = 0;
  std::string host;
  int pid = 0;
  std::string endpoint;  ///< where it listens; empty on transports without addresses
  bool relayed = false;  ///< messages between it and this rank go through the master
};

/// Facts of a channel (clause 13). A snapshot: it does not change later.
struct Info {
  std::string transport;        ///< "inproc", "mpi", "zmq"
  std::string library;          ///< the transport's library and its version, in words
  std::vector<PeerInfo> peers;  ///< one for each rank, in rank order, this one included
  bool across_hosts = false;    ///< ranks may be on several hosts (not over zmq's ipc)
  bool encrypted = false;       ///< links have keys
  bool detects_loss = false;    ///< a rank that dies is noticed, and the others go on
  /// Messages move on while the program computes (clause 15): by a thread, or by nature (inproc).
  bool progress = false;
  bool takes_arrivals = false;  ///< a process may take the place of a departed rank (clause 14)
  std::uint64_t window_bytes = 0;
  std::uint64_t share_bytes = 0;  ///< what of the window is sure, whatever else goes on (clause 3)
  std::uint64_t message_bytes_max = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  /// Bytes of payloads that rankwire itself copied between the program's memory and the
  /// transport's. A payload above 64 KiB that is sent as a Buffer and received as a Message is not
  /// copied, except over zmq one above 1 MiB that comes from another host. Copies that typed
  /// messages make to encode and decode (typed.hpp) do not count.
  std::uint64_t bytes_copied = 0;
  /// Frames that were damaged, hostile or not asked for. The program never sees them.
  std::uint64_t frames_dropped = 0;
};

}  // namespace rankwire
