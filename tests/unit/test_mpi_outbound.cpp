#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "outbound.hpp"
#include "rankwire/backend/batch.hpp"

using namespace rankwire::mpi;
using rankwire::Buffer;

namespace {

constexpr std::size_t slot_bytes = 4000;
const Reach near_reach{std::vector<bool>(3, true), slot_bytes, slot_bytes, true};

/// A message as the receiver sees it.
struct Seen {
  int tag = 0;
  std::vector<std::byte> payload;
};

/// Keeps what is sent, and is done with it when the test says so.
class SlowCarrier final : public Carrier {
 public:
  bool begin(Road road, int tag, std::span<const std::byte> bytes,
             Parcels::iterator parcel) override {
    ++begun;
    if (parcel->dest == 1) take(road, tag, {bytes.begin(), bytes.end()});
    if (at_once) return true;
    unfinished.push_back({parcel, bytes, {bytes.begin(), bytes.end()}});
    most_unfinished = std::max(most_unfinished, unfinished.size());
    return false;
  }
  void complete(std::vector<Parcels::iterator>& done) override {
    ++looks;
    for (; finishes > 0 && !unfinished.empty(); --finishes) {
      const Unfinished& send = unfinished.front();
      CHECK(std::equal(send.bytes.begin(), send.bytes.end(), send.were.begin()));
      done.push_back(send.parcel);
      unfinished.pop_front();
    }
  }
  [[nodiscard]] std::size_t under_way() const override { return unfinished.size(); }

  /// MPI may read the bytes until it is done.
  struct Unfinished {
    Parcels::iterator parcel;
    std::span<const std::byte> bytes;
    std::vector<std::byte> were;
  };
  bool at_once = false;
  std::size_t finishes = 0;  // so many sends are done at the next look
  std::size_t begun = 0, looks = 0, most_unfinished = 0;
  std::deque<Unfinished> unfinished;
  std::vector<Seen> seen;            // the messages that rank 1 would have
  std::vector<Note> notes;           // those that belong to no message
  std::vector<std::uint32_t> lists;  // what stands behind them

 private:
  /// What rank 1 does with it.
  void take(Road road, int tag, std::vector<std::byte> bytes) {
    if (road == Road::bulk) {
      REQUIRE(!announced.empty());
      CHECK(bytes.size() == announced.front().payload.size());
      seen.push_back({announced.front().tag, std::move(bytes)});
      announced.pop_front();
    } else if (tag >= note_tag) {
      take_note(tag - note_tag, bytes);
    } else if (missing > 0) {
      take_piece(bytes);
    } else {
      seen.push_back({tag, std::move(bytes)});
    }
  }
  void take_note(int tag, std::span<const std::byte> bytes) {
    CHECK(bytes.size() <= slot_bytes);
    Note note;
    REQUIRE(bytes.size() >= sizeof note);
    std::memcpy(&note, bytes.data(), sizeof note);
    auto rest = bytes.subspan(sizeof note);
    if (note.kind == Note::Kind::batch) {
      CHECK(note.value == rest.size());
      while (const auto entry = rankwire::take_entry(rest)) {
        seen.push_back(
            {static_cast<int>(entry->tag), {entry->payload.begin(), entry->payload.end()}});
      }
      CHECK(rest.empty());
    } else if (note.kind == Note::Kind::payload) {
      announced.push_back({tag, std::vector<std::byte>(note.value)});
    } else if (note.kind == Note::Kind::pieces) {
      CHECK(missing == 0);
      seen.push_back({tag, {}});
      missing = note.value;
      take_piece(rest);
    } else {
      notes.push_back(note);
      CHECK(rest.size() == (note.has_list() ? note.value * sizeof lists[0] : 0));
      const std::size_t before = lists.size();
      lists.resize(before + rest.size() / sizeof lists[0]);
      if (!rest.empty()) std::memcpy(&lists[before], rest.data(), rest.size());
    }
  }
  void take_piece(std::span<const std::byte> bytes) {
    REQUIRE(bytes.size() <= missing);
    missing -= bytes.size();
    auto& payload = seen.back().payload;
    payload.insert(payload.end(), bytes.begin(), bytes.end());
  }

  std::deque<Seen> announced;
  std::size_t missing = 0;
};

struct World {
  SlowCarrier* carrier = new SlowCarrier;
  Outbound outbound{std::unique_ptr<Carrier>{carrier}, near_reach};

  /// Everything is done, in as many looks as that takes.
  void finish_all() {
    carrier->finishes = SIZE_MAX;
    while (outbound.complete()) carrier->finishes = SIZE_MAX;
    CHECK(outbound.empty());
    CHECK(!outbound.pending().any());
    CHECK(outbound.pending().bytes == 0);
  }
};

Buffer numbered(std::size_t size, int number) {
  Buffer payload{size};
  for (std::size_t i = 0; i < size; ++i) {
    payload.data()[i] = static_cast<std::byte>(static_cast<std::size_t>(number) + i % 251);
  }
  return payload;
}

/// Nothing up to Ways::bytes_max is announced, and little is timed.
void all_in_pieces(Outbound& outbound) {
  for (std::uint32_t group = 1; group <= Ways::groups; ++group) {
    outbound.learned(1, group, Way::pieces);
  }
}

bool is_numbered(const std::vector<std::byte>& payload, std::size_t size, int number) {
  const Buffer expected = numbered(size, number);
  return std::equal(payload.begin(), payload.end(), expected.bytes().begin(),
                    expected.bytes().end());
}

}  // namespace

TEST_CASE("mpi outbound: what waits is bounded work for MPI, and travels together") {
  World world;
  constexpr int messages = 12'000;
  constexpr std::size_t size = 64;
  for (int i = 0; i < messages; ++i) world.outbound.send(1, i, numbered(size, i));
  // Nothing is finished: few sends were begun, and looks are rare.
  CHECK(world.carrier->begun == Lane::small_max);
  CHECK(world.carrier->looks <= messages / 8);
  CHECK(world.outbound.pending().bytes == messages * size);
  CHECK(world.outbound.sent(1) == messages);
  CHECK(world.outbound.sent_whole(1) == 0);
  // One send to somebody else goes at once, whatever waits for this one.
  world.outbound.send(2, 0, numbered(size, 0));
  CHECK(world.carrier->begun == Lane::small_max + 1);
  world.finish_all();
  CHECK(world.outbound.sent_whole(1) == messages);
  CHECK(world.carrier->most_unfinished <= Lane::small_max + 1);
  constexpr std::size_t in_a_batch = (slot_bytes - sizeof(Note)) / (size + 8);
  CHECK(world.carrier->begun <= messages / in_a_batch + Lane::small_max + 2);
  REQUIRE(world.carrier->seen.size() == messages);
  for (int i = 0; i < messages; ++i) {
    const Seen& seen = world.carrier->seen[static_cast<std::size_t>(i)];
    CHECK(seen.tag == i);
    CHECK(is_numbered(seen.payload, size, i));
  }
}

TEST_CASE("mpi outbound: what MPI has finished since holds up nobody") {
  World world;
  for (int i = 0; i < 1000; ++i) {
    world.carrier->finishes = SIZE_MAX;  // at the next look
    world.outbound.send(1, i, numbered(1000, i));
    CHECK(!world.outbound.waits());
  }
  CHECK(world.carrier->looks <= 1000 / Lane::small_max);
  world.finish_all();
}

TEST_CASE("mpi outbound: messages of all sizes and ways keep their order, whenever MPI is done") {
  constexpr std::array<std::size_t, 14> sizes{0,    8,    64,     65,     3976,      3984,    4000,
                                              4001, 5000, 16'384, 65'536, 1U << 18U, 300'000, 100};
  for (unsigned seed = 0; seed < 20; ++seed) {
    World world;
    std::mt19937 random{seed};
    const auto pick = [&](std::size_t below) { return random() % below; };
    std::vector<std::size_t> sent;
    std::vector<Buffer> borrowed;  // the caller's
    // Some are not timed: their first piece goes with the note.
    if (seed % 2 == 0) all_in_pieces(world.outbound);
    for (int i = 0; i < 400; ++i) {
      const std::size_t size = sizes[pick(sizes.size())];
      world.carrier->at_once = pick(3) == 0;
      world.carrier->finishes = pick(6);
      if (size > slot_bytes && world.outbound.is_clear(1) && pick(2) == 0) {
        borrowed.push_back(numbered(size, i));
        world.outbound.send_borrowed(1, i, std::as_const(borrowed.back()).bytes());
      } else {
        world.outbound.send(1, i, numbered(size, i));
      }
      sent.push_back(size);
      if (pick(4) == 0) world.outbound.send_note(1, {Note::Kind::credit, 0, 1});
      if (pick(4) == 0) world.outbound.complete();
      if (pick(9) == 0) world.outbound.note_received();
      CHECK(world.outbound.sent_whole(1) <= world.carrier->seen.size());
    }
    world.finish_all();
    CHECK(!world.outbound.borrows());
    REQUIRE(world.carrier->seen.size() == sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
      CHECK(world.carrier->seen[i].tag == static_cast<int>(i));
      CHECK(is_numbered(world.carrier->seen[i].payload, sent[i], static_cast<int>(i)));
    }
  }
}

TEST_CASE("mpi outbound: large payloads that wait are few for MPI as well") {
  World world;
  for (int i = 0; i < 1000; ++i) world.outbound.send(1, i, numbered(std::size_t{300} << 10U, i));
  CHECK(world.carrier->most_unfinished <= Lane::large_max + 1);
  world.finish_all();
  CHECK(world.carrier->seen.size() == 1000);
  CHECK(world.carrier->most_unfinished <= Lane::large_max + 1);
}

TEST_CASE("mpi outbound: notes pass what waits, and only the latest credit counts") {
  World world;
  for (int i = 0; i < 1000; ++i) world.outbound.send(1, i, numbered(64, i));
  for (std::uint64_t total = 1; total <= 50; ++total) {
    world.outbound.send_note(1, {Note::Kind::credit, 0, total});
  }
  CHECK(world.carrier->most_unfinished <= Lane::small_max + Lane::notes_max);
  CHECK(world.carrier->notes.size() == Lane::notes_max);
  CHECK(world.outbound.pending().notes > 0);
  // One credit is done, and the next one goes; the queue has moved by as little.
  world.carrier->finishes = Lane::small_max + 1;
  world.outbound.complete();
  REQUIRE(world.carrier->notes.size() == Lane::notes_max + 1);
  CHECK(world.carrier->notes.back().value == 50);
  world.outbound.send_note(1, {Note::Kind::left, 0, 1000});
  world.finish_all();
  CHECK(world.carrier->notes.back().kind == Note::Kind::left);
  CHECK(world.carrier->seen.size() == 1000);
}

TEST_CASE("mpi outbound: a list goes in any case, whole, before a goodbye that waits") {
  World world;
  std::vector<std::uint32_t> ranks(2500);
  for (std::size_t i = 0; i < ranks.size(); ++i) ranks[i] = static_cast<std::uint32_t>(i);
  for (std::uint64_t i = 0; i < 9; ++i) world.outbound.send_note(1, {Note::Kind::credit, 0, i});
  const std::size_t notes = world.carrier->notes.size();
  world.outbound.send_list(1, Note::Kind::partners, {});
  CHECK(world.carrier->notes.size() == notes);
  world.outbound.send_list(1, Note::Kind::partners, ranks);
  world.outbound.send_note(1, {Note::Kind::left, 0, 0});
  CHECK(world.outbound.pending().notes > 0);
  world.finish_all();
  CHECK(world.carrier->lists == ranks);
  CHECK(world.carrier->notes[notes].kind == Note::Kind::partners);
  CHECK(world.carrier->notes.back().kind == Note::Kind::left);
  CHECK(world.carrier->notes.size() == notes + 3 + 2);  // with the last credit
}

TEST_CASE("mpi outbound: one sign at a time is on its way, past all else; a silence goes always") {
  World world;
  constexpr Note sign{Note::Kind::sign, 0, 0};
  const auto sends = [&](int dest) {
    return world.outbound.send_sign(dest, sign, Carrier::Road::slots_taken);
  };
  world.outbound.send_silence(1);  // no sign came before
  CHECK(world.carrier->notes.empty());
  for (int i = 0; i < 1000; ++i) world.outbound.send(1, i, numbered(64, i));
  for (int i = 0; i < 9; ++i) world.outbound.send_note(1, {Note::Kind::credit, 0, 1});
  const std::size_t notes = world.carrier->notes.size();
  const std::size_t pending = world.outbound.pending().notes;
  CHECK(sends(1));
  CHECK(sends(2));
  for (int i = 0; i < 9; ++i) CHECK(!sends(1));
  for (int i = 0; i < 9; ++i) world.outbound.send_silence(1);
  REQUIRE(world.carrier->notes.size() == notes + 2);
  CHECK(world.carrier->notes[notes].kind == Note::Kind::sign);
  CHECK(world.carrier->notes[notes + 1].kind == Note::Kind::silence);
  CHECK(world.outbound.pending().notes == pending);  // no close waits for them
  CHECK(!world.outbound.empty());
  world.finish_all();
  CHECK(sends(1));
  world.finish_all();
}

TEST_CASE("mpi outbound: a rank that has departed gets nothing more, and is waited for no more") {
  World world;
  for (int i = 0; i < 1000; ++i) world.outbound.send(1, i, numbered(64, i));
  world.outbound.send(2, 0, numbered(64, 0));
  world.carrier->finishes = 3;
  world.outbound.complete();
  const auto whole = world.outbound.sent_whole(1);
  CHECK(whole == 3);
  world.outbound.departed(1);
  CHECK(world.outbound.pending().bytes == 64);  // to rank 2
  CHECK(world.outbound.pending().any());
  const std::size_t seen = world.carrier->seen.size();
  world.finish_all();
  CHECK(world.carrier->seen.size() == seen);
  // What MPI had begun has gone; the rest has not.
  CHECK(world.outbound.sent_whole(1) >= whole);
  CHECK(world.outbound.sent_whole(1) < 1000);
  CHECK(world.outbound.sent(1) == 1000);
}

TEST_CASE(
    "mpi outbound: a message of which some pieces were begun is not whole when it is dropped") {
  World world;
  all_in_pieces(world.outbound);
  // Two have 13 pieces each. MPI takes some more of the third.
  for (int i = 0; i < 3; ++i) world.outbound.send(1, i, numbered(50'000, i));
  CHECK(world.carrier->begun == Lane::large_max);
  CHECK(!world.outbound.is_clear(1));
  world.outbound.drop_waiting();
  CHECK(world.outbound.is_clear(1));
  world.finish_all();
  CHECK(world.outbound.sent_whole(1) == 2);
}

TEST_CASE("mpi outbound: what is unfinished at the end is left to MPI") {
  std::deque<SlowCarrier::Unfinished> left;
  {
    World world;
    for (int i = 0; i < 100; ++i) world.outbound.send(1, i, numbered(64, i));
    left = world.carrier->unfinished;
  }
  CHECK(left.size() == Lane::small_max);
  for (const auto& send : left) {
    CHECK(std::equal(send.bytes.begin(), send.bytes.end(), send.were.begin()));
  }
}
