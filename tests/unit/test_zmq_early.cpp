#include <doctest/doctest.h>

#include <map>
#include <thread>

#include "meeting/admission.hpp"
#include "meeting/session.hpp"
#include "sockets/wire.hpp"
#include "zmq_world.hpp"

using namespace zmq_world;
namespace wire = rankwire::zmq_wire;
using wire::ConnectionId;
using wire::Kind;

// What comes to a worker before it knows whose it is: links before its own start, and links of
// newcomers of whom the master has not told. Strangers may say as much.

namespace {

constexpr std::uint64_t window = std::uint64_t{1} << 20;
constexpr std::size_t message_bytes = 10'000;
constexpr int data_tag = 1;
constexpr wire::Token token{1, 2};

/// All of a world but rank 1, which is a worker as any: its master, and as many callers as wanted.
class Others {
 public:
  explicit Others(int ranks, std::chrono::milliseconds grace = 15s) : ranks_{ranks} {
    const auto endpoint =
        wire_.listen({{.number = "127.0.0.1", .loopback = true}}, {}, true).front();
    auto with = settings();
    with.window_bytes = window;
    with.grace = grace;
    opening_ = worker(endpoint, 1, with);
    const auto hello = next(Kind::hello);
    REQUIRE(hello);
    worker_ = hello->connection;
    wire_.listen_to(worker_);
    worker_endpoint_ = rankwire::decode<wire::Hello>(hello->body()).endpoint;
  }

  /// One who says that it is this process of this rank.
  ConnectionId call(int rank, std::uint32_t incarnation = 0, wire::Token with = token) {
    const auto connection =
        wire_.dial(worker_endpoint_, wire::frame_bytes_max(wire::piece_bytes_min));
    const auto word = rankwire::encode(wire::LinkHello{with, rank, incarnation, 1, 0, 1});
    say(connection, {.kind = Kind::link, .bytes = word.size()}, word.bytes());
    return connection;
  }
  void say(ConnectionId caller, const wire::Header& header, std::span<const std::byte> body) {
    REQUIRE(wire_.send(caller, header, body));
  }
  /// Messages of a caller, from its first on.
  void send(ConnectionId caller, int messages, std::size_t bytes = message_bytes) {
    for (int i = 0; i < messages; ++i) send_one(caller, static_cast<std::uint32_t>(i), bytes);
  }
  void send_one(ConnectionId caller, std::uint32_t number, std::size_t bytes) {
    const std::vector<std::byte> body(bytes);
    say(caller, {.kind = Kind::data, .tag = data_tag, .bytes = bytes, .sequence = number}, body);
  }

  /// The worker's start.
  Opened start() {
    wire::Start start;
    start.ranks = ranks_;
    for (int rank = 0; rank < ranks_; ++rank) {
      start.members.push_back(member(rank, 0));
    }
    start.token = token;
    start.window_bytes = window;
    start.message_bytes_max = window;
    wire::send_record(wire_, worker_, Kind::welcome, wire::Welcome{ranks_, ranks_, {}, 1, 1});
    wire::send_record(wire_, worker_, Kind::start, start);
    const rankwire::Deadline end = patience;
    while (opening_.wait_for(0s) != std::future_status::ready && !end.expired()) look(10ms);
    return opening_.get();
  }
  /// The master tells of a newcomer.
  void tell_of(int rank, std::uint32_t incarnation) {
    const auto body = rankwire::encode(member(rank, incarnation));
    tell(Kind::arrived, body);
  }
  void tell_departed(const wire::Departed& departed) {
    tell(Kind::departed, rankwire::encode(wire::DepartedList{0, {}, {departed}}));
  }
  /// The master says goodbye, and stays.
  void master_leaves() { tell(Kind::goodbye, rankwire::encode(wire::Goodbye{})); }
  void hang_up(ConnectionId caller) { wire_.hang_up(caller); }

  /// Takes in what comes for so long.
  void look(std::chrono::milliseconds time) {
    const rankwire::Deadline end = time;
    while (const auto incoming = wire_.receive(end)) note(*incoming);
  }
  [[nodiscard]] bool is_hung_up(ConnectionId caller) {
    const rankwire::Deadline end = 10s;
    while (!ended_[caller] && !end.expired()) look(10ms);
    return ended_[caller];
  }
  [[nodiscard]] bool was_hung_up(ConnectionId caller) { return ended_[caller]; }
  /// How often a caller was asked for what it had sent, or told that it is not taken.
  [[nodiscard]] int asked_again(ConnectionId caller) { return said_[{caller, Kind::resend}]; }
  [[nodiscard]] int rejected(ConnectionId caller) { return said_[{caller, Kind::reject}]; }

  /// The worker has read all that has come to it: callers have their turns, and this one, who says
  /// more than any of the others, is hung up on for its last word.
  void wait_until_all_is_read() {
    std::this_thread::sleep_for(300ms);
    const auto last = call(2, 0, {3, 4});
    constexpr int words = 300;
    send(last, words, 1);
    const std::vector<std::byte> too_much(window);
    say(last, {.kind = Kind::data, .tag = data_tag, .bytes = window}, too_much);
    CHECK(is_hung_up(last));
  }

 private:
  void tell(Kind kind, const rankwire::Buffer& body) {
    say(worker_, {.kind = kind, .bytes = body.size(), .sequence = told_++}, body.bytes());
  }
  static wire::Member member(int rank, std::uint32_t incarnation) {
    wire::Member member;
    member.rank = rank;
    member.host = "host";
    member.endpoint = "tcp://127.0.0.1:1";
    member.incarnation = incarnation;
    return member;
  }
  void note(const wire::Incoming& incoming) {
    if (incoming.what == wire::Incoming::What::down) ended_[incoming.connection] = true;
    if (incoming.what == wire::Incoming::What::frame)
      ++said_[{incoming.connection, incoming.header.kind}];
  }
  std::optional<wire::Incoming> next(Kind kind) {
    const rankwire::Deadline end = patience;
    while (auto incoming = wire_.receive(end)) {
      if (incoming->what == wire::Incoming::What::frame && incoming->header.kind == kind)
        return incoming;
    }
    return std::nullopt;
  }

  int ranks_;
  wire::Wire wire_{30s, {}};
  std::future<Opened> opening_;
  std::string worker_endpoint_;
  ConnectionId worker_ = 0;
  std::uint32_t told_ = 0;  // to the worker
  std::map<ConnectionId, bool> ended_;
  std::map<std::pair<ConnectionId, Kind>, int> said_;
};

/// What the window counts of all messages that are there.
std::uint64_t bytes_taken(rankwire::Channel& world, Others& others) {
  constexpr std::uint64_t overhead = 64;
  std::uint64_t bytes = 0;
  const rankwire::Deadline end = 500ms;
  while (!end.expired()) {
    const auto event = world.next(rankwire::any_source, data_tag, rankwire::Deadline::poll());
    if (const auto* const message = event ? std::get_if<rankwire::Message>(&*event) : nullptr) {
      bytes += message->payload.size() + overhead;
    } else {
      others.look(1ms);
    }
  }
  return bytes;
}

constexpr int three_fifths = 60;  // messages, of a window

}  // namespace

TEST_CASE(
    "early: before its start a worker keeps two windows in all; the rest is asked for again") {
  constexpr int ranks = 7;
  Others others{ranks};
  std::vector<ConnectionId> callers;
  for (int rank = 2; rank < ranks; ++rank) callers.push_back(others.call(rank));
  others.look(300ms);
  for (const auto caller : callers) others.send(caller, three_fifths);
  others.wait_until_all_is_read();
  const auto world = others.start();
  const auto bytes = bytes_taken(*world, others);
  CHECK(bytes <= 2 * window);
  CHECK(bytes > window);
  int asked = 0;
  for (const auto caller : callers) asked += others.asked_again(caller) > 0 ? 1 : 0;
  CHECK(asked > 0);
  // What is said again is taken.
  for (const auto caller : callers) others.send(caller, three_fifths);
  const auto rest = bytes_taken(*world, others);
  CHECK(bytes + rest == callers.size() * three_fifths * (message_bytes + 64));
}

TEST_CASE("early: before its start a worker hangs up on who says more than a window") {
  constexpr int ranks = 3;
  Others others{ranks};
  for (int i = 0; i < 3; ++i) {
    const auto loud = others.call(2);
    others.send(loud, 2 * three_fifths);
    CHECK(others.is_hung_up(loud));
  }
  const auto again = others.call(2);
  others.send(again, three_fifths);
  others.wait_until_all_is_read();
  const auto world = others.start();
  CHECK(bytes_taken(*world, others) == three_fifths * (message_bytes + 64));
}

TEST_CASE("early: before its start a worker keeps 16 callers, or as many as ranks, no more") {
  constexpr int ranks = 3;
  Others others{ranks};
  std::vector<ConnectionId> callers;
  for (int i = 0; i < 40; ++i) callers.push_back(others.call(2));
  // The gate, which is closed behind the first of them, keeps the rest from calling for a while.
  constexpr int hung_up_min = 8;
  int hung_up = 0;
  const rankwire::Deadline end = 30s;
  do {
    others.look(50ms);
    hung_up = 0;
    for (const auto caller : callers) hung_up += others.was_hung_up(caller) ? 1 : 0;
  } while (hung_up < hung_up_min && !end.expired());
  CHECK(hung_up >= hung_up_min);
  others.look(500ms);
  CHECK(others.start()->info().peers.size() == ranks);
}

TEST_CASE("early: of newcomers that are not announced a window is kept, and the rest asked for") {
  constexpr int ranks = 3;
  Others others{ranks};
  const auto world = others.start();
  const auto first = others.call(2, 1), second = others.call(2, 2);
  for (const auto caller : {first, second}) {
    others.send(caller, three_fifths);
    CHECK(bytes_taken(*world, others) == 0);
  }
  others.tell_of(2, 2);
  const auto bytes = bytes_taken(*world, others);
  CHECK(bytes > 0);
  CHECK(bytes < window);
  CHECK(others.asked_again(second) > 0);
  others.send(second, three_fifths);
  CHECK(bytes + bytes_taken(*world, others) == three_fifths * (message_bytes + 64));
}

TEST_CASE(
    "early: of newcomers that are not announced there are 100 and as many as ranks, no more") {
  constexpr int ranks = 3, kept = ranks + 100, too_many = 7;
  Others others{ranks};
  const auto world = others.start();
  std::vector<ConnectionId> callers;
  for (std::uint32_t incarnation = 1; incarnation <= kept + too_many; ++incarnation) {
    callers.push_back(others.call(2, incarnation));
  }
  int hung_up = 0;
  const rankwire::Deadline end = patience;
  while (hung_up < too_many && !end.expired()) {
    (void)bytes_taken(*world, others);
    hung_up = 0;
    for (const auto caller : callers) hung_up += others.was_hung_up(caller) ? 1 : 0;
  }
  CHECK(hung_up == too_many);
}

TEST_CASE("early: a newcomer that has gone before the master told of it is received") {
  Others others{3};
  const auto world = others.start();
  const auto gone = others.call(2, 1);
  others.send(gone, 5);
  CHECK(bytes_taken(*world, others) == 0);
  others.hang_up(gone);
  CHECK(bytes_taken(*world, others) == 0);
  others.tell_of(2, 1);
  CHECK(bytes_taken(*world, others) == 5 * (message_bytes + 64));
}

TEST_CASE(
    "early: who is lost is not awaited for longer than the grace, whatever it goes on to say") {
  constexpr auto grace = 1s;
  Others others{3, grace};
  const auto world = others.start();
  const auto lost = others.call(2);
  others.tell_departed({2, true, "its network is away, seen by the master", 0});
  std::optional<rankwire::Departure> departure;
  const rankwire::Deadline end = 4 * grace;
  for (std::uint32_t i = 0; !(departure = world->departure(2)) && !end.expired(); ++i) {
    others.send_one(lost, i, 1);
    others.look(10ms);
  }
  CHECK(departure);
}

TEST_CASE("early: what is told of later processes while one is awaited is bounded") {
  Others others{3};
  const auto world = others.start();
  others.tell_departed({2, false, "closed its channel", 1});  // which never comes
  for (std::uint32_t incarnation = 1; incarnation <= 60; ++incarnation) {
    others.tell_of(2, incarnation);
    others.tell_departed({2, true, "died", 0});
  }
  std::optional<rankwire::Departure> departure;
  const rankwire::Deadline end = 5s;  // and it would be awaited for the grace
  while (!(departure = world->departure(2)) && !end.expired()) others.look(1ms);
  REQUIRE(departure);
  CHECK(departure->kind == rankwire::Departure::Kind::lost);
}

TEST_CASE("early: nobody sees a rank gone whose next process is announced already") {
  for (const bool lost : {true, false}) {
    CAPTURE(lost);
    Others others{3};
    const auto world = others.start();
    const auto former = others.call(2);
    others.send_one(former, 0, 1);
    REQUIRE(world->recv(2, data_tag, patience));
    others.tell_departed({2, lost, "told by the master", 2});  // a message more is under way
    others.tell_of(2, 1);
    others.master_leaves();
    while (!world->departure(0)) others.look(1ms);
    if (!lost) others.send_one(former, 1, 1);
    others.hang_up(former);
    bool arrived = false;
    while (!arrived) {  // PeerLeft would say that nobody remains
      const auto event = world->next(rankwire::any_source, rankwire::any_tag, patience);
      REQUIRE(event);
      arrived = std::holds_alternative<rankwire::Arrival>(*event);
    }
    CHECK_FALSE(world->departure(2));
  }
}
