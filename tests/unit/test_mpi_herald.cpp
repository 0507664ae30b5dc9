#include <doctest/doctest.h>

#include <map>
#include <thread>
#include <vector>

#include "herald.hpp"

using namespace rankwire::mpi;

namespace {

using Told = std::map<int, std::vector<int>>;

/// Who is told of whom.
Told tell(Herald& herald) {
  Told told;
  herald.tell([&](int rank, const Herald::Ranges& ranges) {
    REQUIRE(ranges.size() % 2 == 0);
    CHECK(!told.contains(rank));  // one message
    for (std::size_t i = 0; i < ranges.size(); i += 2) {
      for (auto at = ranges[i]; at <= ranges[i + 1]; ++at)
        told[rank].push_back(static_cast<int>(at));
    }
  });
  return told;
}

void part(Herald& herald, int rank, const std::vector<std::uint32_t>& partners) {
  herald.parts_from(rank, partners);
  herald.left(rank);
}

}  // namespace

TEST_CASE("mpi herald: all are told of who left, itself too, but those that it has told") {
  Herald herald{6};
  CHECK(!herald.due());
  CHECK(tell(herald).empty());
  part(herald, 3, {1, 5});
  CHECK(herald.due());
  CHECK(tell(herald) == Told{{2, {3}}, {3, {3}}, {4, {3}}});
  CHECK(!herald.due());
  CHECK(tell(herald).empty());
}

TEST_CASE("mpi herald: those who leave in a short time are told of together, as ranges") {
  constexpr int size = 1000;
  Herald herald{size};
  herald.left(1);
  CHECK(tell(herald).size() == size - 1);
  for (int rank = size - 2; rank > 1; --rank) {
    herald.left(rank);
    CHECK(!herald.tells_at().is_poll());
  }
  CHECK(!herald.tells_at().is_never());
  herald.left(size - 1);
  CHECK(herald.due());  // nobody remains
  int messages = 0;
  herald.tell([&](int, const Herald::Ranges& ranges) {
    ++messages;
    CHECK(ranges == Herald::Ranges{2, size - 1});
  });
  CHECK(messages == size - 1);
}

TEST_CASE("mpi herald: in time even one more is told of alone") {
  Herald herald{9};
  herald.left(1);
  (void)tell(herald);
  herald.left(2);
  CHECK(!herald.tells_at().is_poll());
  std::this_thread::sleep_for(herald.tells_at().remaining());
  CHECK(herald.due());
  CHECK(tell(herald).size() == 8);
}

TEST_CASE("mpi herald: partners come in parts, before the goodbye, and may have left themselves") {
  Herald herald{5};
  herald.parts_from(1, std::vector<std::uint32_t>{2});
  herald.parts_from(1, std::vector<std::uint32_t>{3});
  part(herald, 3, {1});
  CHECK(tell(herald) == Told{{2, {3}}, {3, {3}}, {4, {3}}});
  herald.left(1);
  CHECK(tell(herald) == Told{{1, {1}}, {4, {1}}});
}

TEST_CASE("mpi herald: all of a world have told each other; each is told that all know") {
  Herald herald{4};
  part(herald, 1, {2, 3});
  part(herald, 2, {1, 3});
  part(herald, 3, {1, 2});
  CHECK(tell(herald) == Told{{1, {1}}, {2, {2}}, {3, {3}}});
}

TEST_CASE("mpi herald: at its end it tells at once, and then of nobody") {
  Herald herald{5};
  herald.left(1);
  (void)tell(herald);
  herald.left(2);
  CHECK(!herald.tells_at().is_poll());
  herald.end();
  CHECK(herald.due());
  CHECK(tell(herald).size() == 4);
  part(herald, 3, {1});
  CHECK(tell(herald).empty());
}
