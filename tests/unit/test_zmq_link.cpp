#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "links/link.hpp"
#include "protocol/frame.hpp"

using namespace rankwire::zmq_wire;

namespace {

struct NoWork final : Turns::Work {
  void do_due() noexcept override {}
};

/// Keeps what is carried last.
struct Hands final : Carrier {
  void carry(ConnectionId, zmq::message_t&& first_frame, zmq::message_t* second) override {
    first = std::move(first_frame);
    chunk.reset();
    if (second != nullptr) chunk.emplace(std::move(*second));
  }
  [[nodiscard]] std::span<const std::byte> first_bytes() {
    return {first.data<std::byte>(), first.size()};
  }
  zmq::message_t first;
  std::optional<zmq::message_t> chunk;
};

struct Ends {
  Ends() { link.attach(Route{&hands, 1}); }
  NoWork work;
  Hands hands;
  Link link{2, LinkEnd::any, std::make_shared<Turns>(work), std::make_shared<FrameStore>()};
};

constexpr Header inner_header{.kind = Kind::data, .tag = 7, .bytes = 9};

}  // namespace

TEST_CASE("link: the first frame of what is relayed is the body, a second one goes with it") {
  Ends ends;
  zmq::message_t inner = frame_of(inner_header, {}), chunk{std::size_t{100'000}};
  const void* const memory = chunk.data();
  ends.link.send_relay({2, true}, inner, &chunk);
  const auto body = body_in(ends.hands.first_bytes());
  REQUIRE(header_of(body));
  CHECK(header_of(body)->tag == 7);
  REQUIRE(ends.hands.chunk);
  CHECK(ends.hands.chunk->data() == memory);
}
