#include <doctest/doctest.h>

#include <thread>

#include "../support/faulty_channel.hpp"
#include "rankwire/backend/backend.hpp"
#include "rankwire/typed.hpp"

namespace rankwire {
extern const Backend inproc_backend;
}

using rankwire::any_tag;
using support::FaultyChannel;
using namespace std::chrono_literals;

namespace {

/// A world of two in one thread: rank 1 behind faults sends to rank 0, which is asked after.
struct Pair {
  explicit Pair(FaultyChannel::Faults faults) {
    rankwire::Settings settings;
    settings.ranks = 2;
    auto channels = rankwire::inproc_backend.open(settings);
    receiver = std::move(channels[0]);
    sender = std::make_unique<FaultyChannel>(std::move(channels[1]), std::move(faults));
  }
  ~Pair() {
    sender->close();
    receiver->close();
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  std::unique_ptr<rankwire::Channel> receiver, sender;
};

}  // namespace

TEST_CASE("faults: damaged bytes are a DecodeError that names the sender, and the next is whole") {
  Pair pair{{.on_send = [](rankwire::Buffer& payload, std::uint64_t number) {
    if (number == 1) payload.data()[1] ^= std::byte{0x40};
    return true;
  }}};
  for (int i = 0; i < 3; ++i) rankwire::send(*pair.sender, 0, 5, std::string{"text"});
  CHECK(rankwire::recv<std::string>(*pair.receiver, 1, 5) == "text");
  CHECK_THROWS_WITH_AS((void)rankwire::recv<std::string>(*pair.receiver, 1, 5),
                       doctest::Contains("rank 1"), rankwire::DecodeError);
  CHECK(rankwire::recv<std::string>(*pair.receiver, 1, 5) == "text");
}

TEST_CASE("faults: a message that is cut short is a DecodeError") {
  Pair pair{{.on_send = [](rankwire::Buffer& payload, std::uint64_t) {
    payload = rankwire::Buffer::copy_of(payload.bytes().first(payload.size() - 1));
    return true;
  }}};
  rankwire::send(*pair.sender, 0, 5, std::vector<double>{1, 2, 3});
  CHECK_THROWS_AS((void)rankwire::recv<std::vector<double>>(*pair.receiver, 1, 5),
                  rankwire::DecodeError);
}

TEST_CASE("faults: a lost message is a Timeout, and a transport that fails once can go on") {
  Pair pair{{.on_send = [](rankwire::Buffer&, std::uint64_t number) {
    if (number == 1) throw rankwire::TransportError{"the cable is out"};
    return number != 0;
  }}};
  rankwire::send(*pair.sender, 0, 5, 1);
  CHECK_THROWS_AS((void)rankwire::recv<int>(*pair.receiver, 1, 5, 10ms), rankwire::Timeout);
  CHECK_THROWS_AS(rankwire::send(*pair.sender, 0, 5, 2), rankwire::TransportError);
  rankwire::send(*pair.sender, 0, 5, 3);
  CHECK(rankwire::recv<int>(*pair.receiver, 1, any_tag) == 3);
}
