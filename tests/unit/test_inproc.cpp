#include <doctest/doctest.h>

#include <cstddef>
#include <utility>

#include "rankwire/backend/backend.hpp"

namespace rankwire {
extern const Backend inproc_backend;
}

using namespace rankwire;

TEST_CASE("inproc: the bytes of an owned payload stay where they are, whatever their number") {
  Settings settings;
  settings.ranks = 2;
  const auto world = inproc_backend.open(settings);
  for (const std::size_t size :
       {std::size_t{65}, std::size_t{4} << 10, std::size_t{1} << 20, std::size_t{16} << 20}) {
    CAPTURE(size);
    Buffer payload{size};
    const std::byte* const address = payload.data();
    world[1]->send(0, 1, std::move(payload));
    world[1]->send(1, 1, std::move(world[0]->recv(1, 1)->payload));  // and to itself
    const auto message = world[1]->recv(1, 1);
    REQUIRE(message);
    CHECK(message->payload.size() == size);
    CHECK(message->payload.data() == address);
  }
}
