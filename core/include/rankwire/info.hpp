#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rankwire {

/// One rank, as the others see it.
struct PeerInfo {
  int rank = 0;
  std::string host;
  int pid = 0;
  std::string endpoint;  ///< where it listens; empty where the transport has no such thing
  bool relayed = false;  ///< messages between it and this rank go through the master
};

/// Facts of a channel (clause 13). A snapshot: it does not change under the reader.
struct Info {
  std::string transport;        ///< "inproc", "mpi", "zmq"
  std::string library;          ///< the transport's library and its version, in words
  std::vector<PeerInfo> peers;  ///< one a rank, in rank order, the own one included
  bool across_hosts = false;    ///< ranks may be on several hosts (not over zmq's ipc)
  bool encrypted = false;       ///< links have keys
  bool detects_loss = false;    ///< a rank that dies is noticed, and the others go on
  bool takes_arrivals = false;  ///< a process may take the place of a departed rank (clause 14)
  std::uint64_t window_bytes = 0;
  std::uint64_t message_bytes_max = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  /// Bytes of payloads that rankwire itself copied, on the way between the program's memory and the
  /// transport's. Payloads above 64 KiB that are sent as Buffers, and received as Messages, are not
  /// among them; over zmq, those above 1 MiB that come from another host are. What typed messages
  /// copy to encode and decode (typed.hpp) is not.
  std::uint64_t bytes_copied = 0;
  std::uint64_t frames_dropped =
      0;  ///< damaged, hostile or unasked-for; never given to the program
};

}  // namespace rankwire
