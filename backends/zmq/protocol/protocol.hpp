#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rankwire/buffer.hpp"
#include "rankwire/info.hpp"
#include "rankwire/typed.hpp"

// What goes over the wire between ranks of one world on ZeroMQ. The first frame of every message
// has a Header; docs/wire-protocol.md tells the whole of it.

namespace rankwire::zmq_wire {

inline constexpr std::uint16_t protocol_version = 6;
/// Payloads up to here are copied behind the header; larger ones go as they lie in memory, in a
/// second frame.
inline constexpr std::size_t inline_payload_bytes_max = std::size_t{32} << 10;
/// A larger payload goes in pieces of this size, where other hosts reach the receiver's port: other
/// frames pass between them, a connection that breaks costs no more than that, and strangers get no
/// more memory. The receiver puts them together, which costs a copy.
inline constexpr std::uint64_t piece_bytes_min = std::uint64_t{1} << 20;
/// The same where only this host does: most payloads then come as one, without a copy.
inline constexpr std::uint64_t piece_bytes_max = std::uint64_t{1} << 30;
/// Bound of a frame with a piece of that size: libzmq hangs up on more.
[[nodiscard]] constexpr std::int64_t frame_bytes_max(std::uint64_t piece_bytes) {
  return static_cast<std::int64_t>(piece_bytes) + 4096;
}

/// The longest endpoint that a worker may have: a host's name has 253 characters at most, a path
/// 107.
inline constexpr std::size_t endpoint_bytes_max = 300;
/// Of a cause of the end, which may have the text of an exception in it.
inline constexpr std::size_t cause_bytes_max = 4096;

enum class Kind : std::uint8_t {
  hello = 1,  ///< worker -> master: wants to join
  welcome,    ///< master -> worker: it may; who is missing
  reject,     ///< to whoever dialed: it may not, and why; the same in every version
  start,      ///< master -> worker: its rank and the table; the world is complete
  link,       ///< who dialed: which rank, and what it has received of this link so far
  ack,        ///< nothing but the header's acknowledgement
  resend,     ///< frames are missing: those from the acknowledged one on are to be sent again
  data,       ///< a message, or a piece of one
  credit,     ///< receiver -> sender: bytes taken so far
  goodbye,    ///< leaves
  departed,   ///< master -> worker: another rank left or was lost
  arrived,    ///< master -> worker: a new process has a departed rank
  abort,      ///< ends the world
  relay,      ///< worker -> master -> worker: a frame between two that cannot reach each other
  batch       ///< small messages, one behind the other
};
inline constexpr std::uint8_t kind_max = static_cast<std::uint8_t>(Kind::batch);

/// Whether frames of this kind are numbered, kept until they are acknowledged, and sent again when
/// their connection breaks before (Link).
[[nodiscard]] constexpr bool is_numbered(Kind kind) {
  return kind >= Kind::data;
}

/// 24 bytes of the first frame of every message, little-endian: with 8 bytes of payload a frame
/// still fits into libzmq's own small messages, which need no allocation. The frame begins with it.
struct Header {
  static constexpr std::size_t wire_bytes = 24;
  static constexpr std::uint16_t magic = 0x5752;  // "RW"
  Kind kind = Kind::data;
  std::uint32_t tag = 0;    ///< data: the tag; hello, reject: the protocol version; relay: RelayTag
  std::uint64_t bytes = 0;  ///< data: of the whole payload; credit: the total; else of the body
  std::uint32_t sequence = 0;  ///< numbered kinds: counts the frames of one link in one direction
  std::uint32_t ack = 0;  ///< how many numbered frames of this link this side has received in order
};

using HeaderBytes = std::array<std::byte, Header::wire_bytes>;
[[nodiscard]] HeaderBytes to_bytes(const Header& header);

/// Nothing when this is not the first frame of a message of ours.
[[nodiscard]] std::optional<Header> header_of(std::span<const std::byte> frame);
/// What a first frame that has a header has besides.
[[nodiscard]] constexpr std::span<const std::byte> body_in(std::span<const std::byte> frame) {
  return frame.subspan(Header::wire_bytes);
}

/// Of two numbers that count calls or hellos, and go round at 2^32.
[[nodiscard]] constexpr bool is_newer(std::uint32_t number, std::uint32_t than) {
  return static_cast<std::int32_t>(number - than) > 0;
}

/// Proves that a dialer is of this world: random, given out by the master.
using Token = std::array<std::uint64_t, 2>;

struct Hello {
  std::string job;
  std::string host;
  std::int32_t pid = 0;
  std::int32_t wanted_rank = -1;  ///< -1: any
  std::int32_t ranks = 0;         ///< the size it was told to expect; 0: none
  std::uint64_t nonce = 0;        ///< of the process: tells a repeated hello from another worker's
  std::string endpoint;           ///< where other workers dial it
  std::string key;                ///< public, of its listener; empty where links have no keys
  std::uint64_t piece_bytes = piece_bytes_min;  ///< the largest that its listener takes
  std::uint32_t call = 0;  ///< counts these: one that comes late does not end a newer connection

  template <class Archive>
  void serialize(Archive& archive) {
    archive(job, host, pid, wanted_rank, ranks, nonce, endpoint, key, piece_bytes, call);
  }
};

/// Answers a hello, is said again every few seconds, and gives the rank right before the start.
struct Welcome {
  std::int32_t ranks = 0;
  std::int32_t here = 0;  ///< how many have come, the master included
  std::string missing;    ///< in words; empty when all are here
  std::int32_t rank = 0;  ///< of the reader; 0: not given yet

  template <class Archive>
  void serialize(Archive& archive) {
    archive(ranks, here, missing, rank);
  }
};

struct Member {
  std::int32_t rank = 0;
  std::string host;
  std::int32_t pid = 0;
  std::string endpoint;
  std::uint32_t incarnation = 0;                ///< counts the processes that have had this rank
  std::string key;                              ///< public, of its listener
  std::uint64_t piece_bytes = piece_bytes_min;  ///< the largest that its listener takes

  template <class Archive>
  void serialize(Archive& archive) {
    archive(rank, host, pid, endpoint, incarnation, key, piece_bytes);
  }
};

/// How a rank departed; from the master, with the messages that the departed sent to the reader.
struct Departed {
  std::int32_t rank = 0;
  bool lost = false;
  std::string reason;
  std::uint64_t messages_to_you = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(rank, lost, reason, messages_to_you);
  }
};

/// The same for all, so that it is encoded once; a Welcome before it says which rank the reader
/// has.
struct Start {
  std::vector<Member> members;  ///< in rank order
  std::vector<Departed> departed;
  Token token{};
  std::uint64_t window_bytes = 0;
  std::uint64_t message_bytes_max = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(members, departed, token, window_bytes, message_bytes_max);
  }
};

/// Says who dials, each time a connection comes to stand; the header's ack goes with it.
struct LinkHello {
  Token token{};
  std::int32_t rank = 0;
  std::uint32_t incarnation = 0;     ///< of the process that dials
  std::int32_t to_rank = 0;          ///< whom it means: the address may lead to another process
  std::uint32_t to_incarnation = 0;  ///< of the process that it means
  std::uint32_t call = 0;  ///< counts these: one that took the longer way may come after the next

  template <class Archive>
  void serialize(Archive& archive) {
    archive(token, rank, incarnation, to_rank, to_incarnation, call);
  }
};

struct Goodbye {
  struct Sent {
    std::int32_t rank = 0;
    std::uint64_t messages = 0;

    template <class Archive>
    void serialize(Archive& archive) {
      archive(rank, messages);
    }
  };
  std::vector<Sent> sent;  ///< to each rank it sent anything, so that a reader knows what to await

  template <class Archive>
  void serialize(Archive& archive) {
    archive(sent);
  }
};

struct Abort {
  std::int32_t rank = 0;
  std::string host;
  std::int32_t pid = 0;
  std::int32_t exit_code = 0;
  std::string what;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(rank, host, pid, exit_code, what);
  }
};

/// Why a hello was refused. Numbers are for ever: other versions read them.
enum class Refusal : std::uint32_t {
  version = 1,
  job,
  rank,
  full,
  size,
  damaged,
  timeout,
  lost,     ///< this process was given up; others count on that
  unknown,  ///< not of this world
  later     ///< a world ends here; the master may open another. The caller may stay, and say hello
            ///< again when its connection was broken
};

/// A refusal's body is the same in every version: the number (u32, little-endian), then text.
struct Reject {
  Refusal refusal = Refusal::damaged;
  std::string text;
};
[[nodiscard]] Buffer body_of(const Reject& reject);
[[nodiscard]] Reject reject_of(std::span<const std::byte> body);

/// What a record says in words becomes printable: it was written by others, and is logged, told to
/// others and shown by info().
void make_printable(Hello& hello);
void make_printable(Welcome& welcome);
void make_printable(Member& member);
void make_printable(Departed& departed);
void make_printable(Start& start);
void make_printable(Abort& abort);

/// The record that somebody else has sent; throws DecodeError.
template <class Record>
[[nodiscard]] Record record_of(std::span<const std::byte> body) {
  auto record = decode<Record>(body);
  make_printable(record);
  return record;
}

[[nodiscard]] Token random_token();

/// The tag of a relay: the other rank (for the master the receiver, for the receiver the sender),
/// and whether the frame goes from the rank that dialed the link.
struct RelayTag {
  int rank = 0;
  bool from_dialer = false;

  [[nodiscard]] std::uint32_t wire() const {
    return (static_cast<std::uint32_t>(rank) << 1) | (from_dialer ? 1U : 0U);
  }
  [[nodiscard]] static RelayTag from_wire(std::uint32_t tag) {
    return {static_cast<int>(tag >> 1), (tag & 1U) != 0};
  }
};

}  // namespace rankwire::zmq_wire
