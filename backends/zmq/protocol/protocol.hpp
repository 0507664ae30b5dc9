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

// The frames between ranks of one world on ZeroMQ. A frame is what libzmq delivers as a whole. It
// has one part or two (libzmq calls these frames, and the whole a message). The first part begins
// with a Header. docs/wire-protocol.md describes all of it.

namespace rankwire::zmq_wire {

inline constexpr std::uint16_t protocol_version = 10;
/// A payload of up to this size is copied behind the header. A larger one is sent as it lies in
/// memory, in the second part of the frame.
inline constexpr std::size_t inline_payload_bytes_max = std::size_t{32} << 10;
/// A larger payload is sent in pieces of this size if other hosts can reach the receiver's port. So
/// other frames pass between the pieces, a connection that breaks costs no more than one piece, and
/// strangers get no more memory. The receiver puts the pieces together, which costs a copy.
inline constexpr std::uint64_t piece_bytes_min = std::uint64_t{1} << 20;
/// The size of a piece if only this host can reach the receiver's port. Most payloads are then one
/// piece, which costs no copy.
inline constexpr std::uint64_t piece_bytes_max = std::uint64_t{1} << 30;
/// The largest part of a frame that has a piece of that size. libzmq hangs up on a larger one.
[[nodiscard]] constexpr std::int64_t frame_bytes_max(std::uint64_t piece_bytes) {
  return static_cast<std::int64_t>(piece_bytes) + 4096;
}

/// The longest endpoint that a worker may have. A host name has at most 253 characters, a path 107.
inline constexpr std::size_t endpoint_bytes_max = 300;
/// The longest cause of an abort. It may contain the text of an exception.
inline constexpr std::size_t cause_bytes_max = 4096;

/// A start tells of all members in a world of up to so many ranks. In a larger one it would cost
/// the square of their number; there a worker asks for a member when it first sends to it
/// (Kind::ask).
inline constexpr int told_members_max = 1024;

enum class Kind : std::uint8_t {
  hello = 1,  ///< worker -> master: it wants to join
  welcome,    ///< master -> worker: it may join; who is missing
  reject,     ///< to a dialer: it may not join, and why; the same in every version
  start,      ///< master -> worker: the world is complete; who its ranks are
  link,       ///< dialer -> listener: which rank dials, and what it has received of this link
  ack,        ///< nothing but the header's acknowledgement
  resend,     ///< frames are missing: send again from the acknowledged one on
  sign,       ///< master <-> worker: an ack that is a sign of life
  data,       ///< a message, or a piece of one
  credit,     ///< receiver -> sender: bytes taken so far
  goodbye,    ///< the sender leaves
  departed,   ///< master -> worker: other ranks left or were lost
  arrived,    ///< master -> worker: a new process has a departed rank
  abort,      ///< ends the world
  relay,      ///< worker -> master -> worker: a frame between two that cannot reach each other
  batch,      ///< small messages, one behind the other
  ask,        ///< worker -> master: who has this rank?
  member,     ///< master -> worker: the answer
  want,       ///< sender -> receiver: more room than its share
  grant       ///< receiver -> sender: the answer
};
/// The tag of a sign that no other follows for a while. Else a sign has the tag 0.
inline constexpr std::uint32_t falls_silent_tag = 1;
inline constexpr std::uint8_t kind_max = static_cast<std::uint8_t>(Kind::grant);

/// Whether frames of this kind are numbered. Such frames are kept until they are acknowledged, and
/// sent again if their connection breaks before (Link).
[[nodiscard]] constexpr bool is_numbered(Kind kind) {
  return kind >= Kind::data;
}

/// Which end of its link a frame comes from. Two workers have up to two links, one for each of them
/// that sends, and both may go over one connection.
enum class LinkEnd : std::uint8_t {
  any,      ///< there is one link: the master is at one end; or there is none yet
  sender,   ///< the rank that sends messages over this link, and made it
  receiver  ///< the other one, which answers
};
inline constexpr std::uint8_t link_end_max = static_cast<std::uint8_t>(LinkEnd::receiver);

/// The header of a frame: the first 24 bytes of its first part, little-endian. With 8 bytes of
/// payload, a frame still fits into libzmq's own small messages, which need no allocation.
struct Header {
  static constexpr std::size_t wire_bytes = 24;
  static constexpr std::uint16_t magic = 0x5752;  // "RW"
  Kind kind = Kind::data;
  std::uint32_t tag = 0;  ///< data: the tag; hello, reject: the protocol version; relay: RelayTag;
                          ///< ask: a rank; want, grant: the number of the want; sign: 0, or
                          ///< falls_silent_tag
  std::uint64_t bytes = 0;  ///< data: of the whole payload; credit, want, grant: the total; else of
                            ///< the body
  std::uint32_t sequence = 0;  ///< number of a numbered frame, for each link and direction
  std::uint32_t ack = 0;  ///< numbered frames of this link that the sender has received in order
  LinkEnd end = LinkEnd::any;  ///< of the link, where the frame was sent
};

using HeaderBytes = std::array<std::byte, Header::wire_bytes>;
[[nodiscard]] HeaderBytes to_bytes(const Header& header);

/// The header in the first part of a frame. Nothing if this is not the first part of one of ours.
[[nodiscard]] std::optional<Header> header_of(std::span<const std::byte> frame);
/// The body in the first part of a frame. The part must have a header.
[[nodiscard]] constexpr std::span<const std::byte> body_in(std::span<const std::byte> frame) {
  return frame.subspan(Header::wire_bytes);
}

/// Whether `number` is newer than `than`. Both count calls or hellos, and wrap at 2^32.
[[nodiscard]] constexpr bool is_newer(std::uint32_t number, std::uint32_t than) {
  return static_cast<std::int32_t>(number - than) > 0;
}

/// Proves that a dialer belongs to this world. The master makes it at random, and gives it to the
/// members.
using Token = std::array<std::uint64_t, 2>;

struct Hello {
  std::string job;
  std::string host;
  std::int32_t pid = 0;
  std::int32_t wanted_rank = -1;  ///< -1: any
  std::int32_t ranks = 0;         ///< the size of the world that it expects; 0: any
  std::uint64_t nonce = 0;        ///< random, one for each process: recognises a repeated hello
  std::string endpoint;           ///< where other workers dial it
  std::string key;                ///< public key of its listener; empty if links have no keys
  std::uint64_t piece_bytes = piece_bytes_min;  ///< the largest piece that its listener takes
  bool gives_signs = false;                     ///< of life, also while its program computes
  std::uint32_t call = 0;  ///< number of this hello: a late one does not end a newer connection

  template <class Archive>
  void serialize(Archive& archive) {
    archive(job, host, pid, wanted_rank, ranks, nonce, endpoint, key, piece_bytes, gives_signs,
            call);
  }
};

/// The answer to a hello. It is sent again every few seconds, and gives the rank right before the
/// start.
struct Welcome {
  std::int32_t ranks = 0;
  std::int32_t here = 0;        ///< how many have come, the master included
  std::string missing;          ///< in words; empty when all are here
  std::int32_t rank = 0;        ///< the reader's rank; 0: not given yet
  std::int32_t host_ranks = 0;  ///< with the rank: how many ranks of the world its host has

  template <class Archive>
  void serialize(Archive& archive) {
    archive(ranks, here, missing, rank, host_ranks);
  }
};

struct Member {
  std::int32_t rank = 0;
  std::string host;
  std::int32_t pid = 0;
  std::string endpoint;
  std::uint32_t incarnation = 0;                ///< number of the process among those of this rank
  std::string key;                              ///< public key of its listener
  std::uint64_t piece_bytes = piece_bytes_min;  ///< the largest piece that its listener takes
  bool gives_signs = false;                     ///< of life, also while its program computes

  template <class Archive>
  void serialize(Archive& archive) {
    archive(rank, host, pid, endpoint, incarnation, key, piece_bytes, gives_signs);
  }
};

/// The master says how a rank departed, and how many messages that rank had sent to the reader.
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

/// The body of Kind::departed: all that the master had to tell at that moment. When a world ends,
/// thousands of ranks leave in order, and have sent the reader nothing. Each of these takes a bit.
struct DepartedList {
  std::int32_t first_left = 0;
  std::string left;  ///< bit i % 8 of byte i / 8: rank first_left + i is such a one
  std::vector<Departed> others;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(first_left, left, others);
  }
};
/// What a rank that has left in order is said to have done.
inline constexpr const char* left_reason = "closed its channel";

/// The start of the world. It is the same for all workers, so it is encoded once. A Welcome before
/// it says which rank the reader has.
struct Start {
  std::int32_t ranks = 0;       ///< of the world
  std::vector<Member> members;  ///< rank 0, and others (told_members_max)
  std::vector<Departed> departed;
  Token token{};
  std::uint64_t window_bytes = 0;
  std::uint64_t share_bytes = 0;  ///< of the window (MemoryLimits)
  std::uint64_t message_bytes_max = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(ranks, members, departed, token, window_bytes, share_bytes, message_bytes_max);
  }
};

/// Says who dials. Sent each time a connection comes to stand. The header's ack goes with it.
struct LinkHello {
  Token token{};
  std::int32_t rank = 0;
  std::uint32_t incarnation = 0;     ///< of the process that dials
  std::int32_t to_rank = 0;          ///< the rank that it calls
  std::uint32_t to_incarnation = 0;  ///< of the process that it calls: another may listen there now
  std::uint32_t call = 0;  ///< number of this call: an older one may come later, by a longer way

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
  std::vector<Sent> sent;  ///< how many messages it sent to whom, so that readers can await them

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

/// Why a hello was refused. The numbers never change: other versions read them.
enum class Refusal : std::uint32_t {
  version = 1,
  job,
  rank,
  full,
  size,
  damaged,
  timeout,
  lost,     ///< this process was given up, and others rely on that
  unknown,  ///< it is not of this world
  later     ///< a world ends here; the master may open another. The caller may stay, and say hello
            ///< again when its connection has broken
};

/// The body of a refusal is the same in every version: the number (u32, little-endian), then the
/// text.
struct Reject {
  Refusal refusal = Refusal::damaged;
  std::string text;
};
[[nodiscard]] Buffer body_of(const Reject& reject);
[[nodiscard]] Reject reject_of(std::span<const std::byte> body);

/// Makes the texts of a record printable. Others have written them, and they are logged, sent on
/// and shown by info().
void make_printable(Hello& hello);
void make_printable(Welcome& welcome);
void make_printable(Member& member);
void make_printable(DepartedList& list);
/// All departures of the list, as far as their ranks are below `ranks`.
[[nodiscard]] std::vector<Departed> all_departed(DepartedList&& list, int ranks);
void make_printable(Start& start);
void make_printable(Abort& abort);

/// Decodes a record that somebody else has sent. Throws DecodeError.
template <class Record>
[[nodiscard]] Record record_of(std::span<const std::byte> body) {
  auto record = decode<Record>(body);
  make_printable(record);
  return record;
}

[[nodiscard]] Token random_token();

/// The tag of a relay. `rank` is the other rank: the master reads the receiver from it, the
/// receiver the sender. `from_dialer`: the frame comes from the rank that dialed the link.
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
