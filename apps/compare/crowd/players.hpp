#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "crowd/peer.hpp"
#include "links/link.hpp"
#include "links/turns.hpp"
#include "protocol/protocol.hpp"
#include "rankwire/deadline.hpp"
#include "reach/descriptor.hpp"
#include "sockets/carrier.hpp"

namespace comparison {

/// Plays the workers of a large world in one process, against a real master on this host: each has
/// a connection of its own, sends PINGs, and speaks the protocol of the zmq backend as a worker
/// does whose program is that of `compare crowd`. What it leaves out is what the master does not
/// see: a worker's own listener, and its memory.
class Players final : public rankwire::zmq_wire::Carrier {
 public:
  /// `count` workers that will join the master at `port`.
  Players(std::uint16_t port, int count);
  ~Players() override;
  Players(const Players&) = delete;
  Players& operator=(const Players&) = delete;
  Players(Players&&) = delete;
  Players& operator=(Players&&) = delete;

  /// Plays until all have said goodbye and the master has confirmed that. Throws rankwire::Error if
  /// the master refuses a worker, or the connection of one ends early; Timeout if nothing comes for
  /// `silent_max`.
  void play(std::chrono::seconds silent_max);

  /// See Carrier. `over` is the number of a player, from 1 on.
  void carry(rankwire::zmq_wire::ConnectionId over, zmq::message_t&& first,
             zmq::message_t* chunk) override;

 private:
  enum class State : std::uint8_t { asks, runs, leaves, gone };
  struct Player {
    Peer peer;
    std::unique_ptr<rankwire::zmq_wire::Link> link;  // to the master; null before the start
    State state = State::asks;
    std::uint64_t taken_bytes = 0, credited_bytes = 0;  // as rankwire::Windows counts
    std::uint32_t hellos = 0;
    bool awaits_room = false;  // its file is asked whether it can be written
    rankwire::Deadline call_again = rankwire::Deadline::never();
  };
  /// Nothing is ever due: the players send no small messages that wait for each other.
  struct NoWork final : rankwire::zmq_wire::Turns::Work {
    void do_due() noexcept override {}
  };

  void call(std::size_t player);
  void go_on(std::size_t player);
  void watch(std::size_t player, bool anew);
  void look_after_all();
  void take(std::size_t player, std::span<const std::byte> frame);
  void start(std::size_t player);
  void act(Player& player, const rankwire::zmq_wire::Header& header,
           std::span<const std::byte> body);
  void obey(Player& player, std::uint32_t tag, std::span<const std::byte> payload);

  std::uint16_t port_;
  NoWork nothing_;
  std::shared_ptr<rankwire::zmq_wire::Turns> turns_ =
      std::make_shared<rankwire::zmq_wire::Turns>(nothing_);
  std::shared_ptr<rankwire::zmq_wire::FrameStore> store_ =
      std::make_shared<rankwire::zmq_wire::FrameStore>();
  std::vector<Player> players_;
  std::size_t playing_;  // those that are not gone
  rankwire::zmq_wire::Descriptor epoll_;
  std::size_t pinged_ = 0;  // whose turn it is to ping
};

}  // namespace comparison
