#include "crowd/players.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <utility>

#include "measure/crowd_tags.hpp"
#include "protocol/frame.hpp"
#include "rankwire/backend/batch.hpp"
#include "rankwire/backend/window.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/message.hpp"
#include "rankwire/typed.hpp"

namespace comparison {
namespace {

using namespace rankwire::zmq_wire;
using namespace std::chrono_literals;
using rankwire::Deadline;

/// As a worker does it, and its libzmq.
constexpr auto sign_interval = 1000ms;  // of PINGs; signs are rarer
constexpr auto look_interval = 10ms;
constexpr auto called_again_after = 200ms;

std::span<const std::byte> bytes_of(const zmq::message_t& frame) {
  return {frame.data<std::byte>(), frame.size()};
}

}  // namespace

Players::Players(std::uint16_t port, int count)
    : port_{port},
      players_(static_cast<std::size_t>(count)),
      playing_{players_.size()},
      epoll_{epoll_create1(EPOLL_CLOEXEC)} {
  for (std::size_t player = 0; player < players_.size(); ++player) call(player);
}

Players::~Players() = default;

/// Connects, and says hello.
void Players::call(std::size_t at) {
  Player& player = players_[at];
  player.call_again = Deadline::never();
  player.peer.connect(port_);
  Hello hello;
  hello.job = "default";
  hello.host = "crowd";
  hello.pid = ::getpid();
  hello.nonce = at + 1;
  hello.endpoint = "tcp://127.0.0.1:1";  // nobody listens there, and nobody sends there
  hello.gives_signs = true;
  hello.call = ++player.hellos;
  const rankwire::Buffer body = rankwire::encode(hello);
  const auto frame =
      frame_of({.kind = Kind::hello, .tag = protocol_version, .bytes = body.size()}, body.bytes());
  player.peer.send(bytes_of(frame));
  watch(at, true);
}

void Players::watch(std::size_t at, bool anew) {
  Player& player = players_[at];
  epoll_event event{.events = EPOLLIN | (player.peer.has_output() ? EPOLLOUT : 0U),
                    .data = {.u64 = at}};
  if (!anew && player.awaits_room == player.peer.has_output()) return;
  player.awaits_room = player.peer.has_output();
  epoll_ctl(epoll_.get(), anew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, player.peer.descriptor(), &event);
}

void Players::carry(ConnectionId over, zmq::message_t&& first, zmq::message_t*) {
  const auto at = static_cast<std::size_t>(over) - 1;
  players_[at].peer.send(bytes_of(first));
  watch(at, false);
}

void Players::play(std::chrono::seconds silent_max) {
  constexpr int events_at_once = 256;
  std::array<epoll_event, events_at_once> events{};
  Deadline silent = silent_max, look = Deadline::poll();
  while (playing_ > 0) {
    const int count = epoll_wait(epoll_.get(), events.data(), events_at_once,
                                 static_cast<int>(look_interval.count()));
    for (int i = 0; i < count; ++i) go_on(events.at(static_cast<std::size_t>(i)).data.u64);
    if (count > 0) silent = silent_max;
    if (silent.expired()) throw rankwire::Timeout{"nothing has come from the master"};
    if (!look.expired()) continue;
    look = look_interval;
    look_after_all();
  }
}

/// The PINGs and the signs of life of a few players, so that all give theirs in time; and those who
/// must call again.
void Players::look_after_all() {
  const std::size_t at_once = players_.size() * look_interval / sign_interval + 1;
  for (std::size_t i = 0; i < at_once; ++i) {
    pinged_ = (pinged_ + 1) % players_.size();
    Player& player = players_[pinged_];
    if (player.peer.descriptor() >= 0) player.peer.ping();
    if (player.link && player.state != State::gone) player.link->give_sign(Kind::sign);
    if (player.call_again.expired()) call(pinged_);
  }
}

void Players::go_on(std::size_t at) {
  Player& player = players_[at];
  if (player.peer.go_on([&](std::span<const std::byte> frame) { take(at, frame); })) {
    watch(at, false);
  } else if (player.state == State::asks) {
    player.call_again = called_again_after;
  } else if (player.state == State::leaves) {
    player.state = State::gone;  // the master ended before it had read the last acknowledgement
    --playing_;
  } else if (player.state == State::runs) {
    throw rankwire::Error{fmt::format("the connection of player {} ended", at)};
  }
}

void Players::take(std::size_t at, std::span<const std::byte> frame) {
  Player& player = players_[at];
  const auto header = header_of(frame);
  if (!header || player.state == State::gone) return;
  const auto body = body_in(frame);
  if (header->kind == Kind::reject) throw rankwire::Error{"refused: " + reject_of(body).text};
  if (header->kind == Kind::start) return start(at);
  if (!player.link) return;  // a welcome
  if (player.link->take(*header, frame.size())) act(player, *header, body);
  if (player.state != State::leaves || !player.link->all_acknowledged()) return;
  player.state = State::gone;
  --playing_;
}

void Players::start(std::size_t at) {
  Player& player = players_[at];
  if (player.link) return;
  player.link = std::make_unique<Link>(0, LinkEnd::any, turns_, store_);
  player.link->attach({this, at + 1});
  player.state = State::runs;
  const rankwire::Buffer started = rankwire::encode(no_process);
  player.link->send({.kind = Kind::data, .tag = started_tag, .bytes = started.size()},
                    started.bytes());
}

void Players::act(Player& player, const Header& header, std::span<const std::byte> body) {
  if (header.kind == Kind::data) {
    obey(player, header.tag, body);
  } else if (header.kind == Kind::batch) {
    while (const auto entry = rankwire::take_entry(body)) obey(player, entry->tag, entry->payload);
  }
}

/// The program of the worker. It says what it has taken, as a worker does who has a small share of
/// the master's window.
void Players::obey(Player& player, std::uint32_t tag, std::span<const std::byte> payload) {
  constexpr std::uint64_t credit_bytes = 2048;
  player.taken_bytes += rankwire::Windows::cost_bytes(payload.size());
  if (player.taken_bytes - player.credited_bytes >= credit_bytes) {
    player.credited_bytes = player.taken_bytes;
    player.link->send({.kind = Kind::credit, .bytes = player.taken_bytes}, {});
  }
  const auto say = [&](std::uint32_t with, const rankwire::Buffer& bytes) {
    player.link->send({.kind = Kind::data, .tag = with, .bytes = bytes.size()}, bytes.bytes());
  };
  const bool goes_on = rankwire::decode<bool>(payload);
  if (tag == ping_tag && goes_on) {
    say(ping_tag, rankwire::encode(true));
  } else if (tag == go_tag && goes_on) {
    for (int i = 0; i < batch_messages; ++i) say(flow_tag, rankwire::encode(i));
  } else if (tag == go_tag) {
    const rankwire::Buffer goodbye = rankwire::encode(Goodbye{});
    player.link->send({.kind = Kind::goodbye, .bytes = goodbye.size()}, goodbye.bytes());
    player.state = State::leaves;
  }
}

}  // namespace comparison
