#include <doctest/doctest.h>

#include <deque>

#include "archive_types.hpp"
#include "text_of.hpp"

using namespace rankwire;
using namespace std::chrono_literals;

namespace {

/// A world of one rank that keeps what it is sent.
class Loop final : public Channel {
 public:
  Loop() : Channel{{0, 2, SIZE_MAX}} {}

 private:
  void do_send(int, int tag, Buffer&& payload, Deadline) override {
    messages_.push_back({1, tag, std::move(payload)});
  }
  std::optional<Event> do_next(const Wanted&, Deadline) override {
    if (messages_.empty()) return std::nullopt;
    Event event{std::move(messages_.front())};
    messages_.pop_front();
    return event;
  }
  std::optional<Departure> do_departure(int) override { return std::nullopt; }
  [[nodiscard]] Info do_info() const override { return {}; }
  void do_close(Deadline) override {}
  void do_abort(int, const std::string&) noexcept override {}

  std::deque<Message> messages_;
};

/// The DecodeError of receiving `value` as a To.
template <class To, class From>
std::string wrong(const From& value) {
  const auto bytes = encode(value);
  return text_of<DecodeError>([&] { (void)decode<To>(bytes.bytes()); });
}

struct Swapped {
  double y = 0;
  std::int32_t x = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(y, x);
  }
};
struct Longer {
  Point point;
  std::int32_t z = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(point.x, point.y, z);
  }
};
struct Picky {
  std::int32_t value = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
    if (value < 0) throw std::invalid_argument{"negative"};
  }
};

}  // namespace

TEST_CASE("typed: what is sent is received") {
  Loop channel;
  send(channel, 1, 5, example_task());
  send(channel, 1, 6, std::string{"text"}, 1s);
  CHECK(recv<Task>(channel, 1, 5) == example_task());
  CHECK(try_recv<std::string>(channel, any_source, any_tag, 1s) == "text");
}

TEST_CASE("typed: a move-only value") {
  Loop channel;
  send(channel, 1, 0, std::make_unique<Point>(Point{1, 2}));
  CHECK(*recv<std::unique_ptr<Point>>(channel, 1, 0) == Point{1, 2});
}

TEST_CASE("typed: at the deadline recv throws Timeout and says what it waited for") {
  Loop channel;
  const auto text = text_of<Timeout>([&] { (void)recv<int>(channel, 1, 7, Deadline::poll()); });
  CHECK_SAYS(text, "rank 0:");
  CHECK_SAYS(text, "from rank 1");
  CHECK_SAYS(text, "tag 7");
  const auto any =
      text_of<Timeout>([&] { (void)recv<int>(channel, any_source, any_tag, Deadline::poll()); });
  CHECK_SAYS(any, "from anyone (any tag)");
}

TEST_CASE("typed: at the deadline try_recv gives nothing") {
  Loop channel;
  CHECK_FALSE(try_recv<int>(channel, 1, 7, Deadline::poll()).has_value());
}

TEST_CASE("typed: a wrong message says rank, tag, bytes, offset, expected and found") {
  Loop channel;
  send(channel, 1, 7, std::string{"text"});
  const auto text = text_of<DecodeError>([&] { (void)recv<double>(channel, 1, 7); });
  CHECK_SAYS(text, "rank 1 (tag 7, 15 bytes)");
  CHECK_SAYS(text, "at byte 1 of 15: expected f64, found string");
}

TEST_CASE("typed: wrong types are errors") {
  CHECK_SAYS(wrong<double>(1), "expected f64, found i32");
  CHECK_SAYS(wrong<int>(1.0), "expected i32, found f64");
  CHECK_SAYS(wrong<unsigned>(1), "expected u32, found i32");
  CHECK_SAYS(wrong<char>(std::int8_t{1}), "expected char, found i8");
  CHECK_SAYS(wrong<std::vector<long>>(std::vector<int>{1}), "array of i64, found array of i32");
  CHECK_SAYS(wrong<std::vector<int>>(std::vector<long>{1}), "array of i32, found array of i64");
  CHECK_SAYS(wrong<std::vector<char>>(std::string{"a"}), "expected array, found string");
  CHECK_SAYS(wrong<std::string>(std::vector<char>{'a'}), "expected string, found array of char");
  CHECK_SAYS((wrong<std::array<int, 3>>(std::array<int, 2>{})), "3 elements, found one of 2");
  CHECK_SAYS((wrong<std::array<Point, 3>>(std::array<Point, 2>{})), "found end of a class");
  CHECK_SAYS(wrong<Point>(std::vector<int>{}), "expected begin of a class, found array of i32");
  CHECK_SAYS((wrong<std::variant<int>>(std::variant<int, double>{1.0})), "index");
}

TEST_CASE("typed: other fields are errors: swapped, one more, one less") {
  CHECK_SAYS(wrong<Swapped>(Point{}), "expected f64, found i32");
  CHECK_SAYS(wrong<Point>(Longer{}), "expected end of a class, found i32");
  CHECK_SAYS(wrong<Longer>(Point{}), "expected i32, found end of a class");
  CHECK_SAYS(wrong<std::vector<Point>>(std::vector<Longer>(2)), "expected end of a class");
}

TEST_CASE("typed: raw bytes, no bytes, another version and trailing bytes are errors") {
  const auto fails = [](std::string_view bytes) {
    const auto buffer = Buffer::copy_of(bytes);
    return text_of<DecodeError>([&] { (void)decode<std::uint8_t>(buffer.bytes()); });
  };
  CHECK(decode<std::uint8_t>(Buffer::copy_of("\xf9 7").bytes()) == '7');
  CHECK_SAYS(fails("hello"), "found 0x68 (raw bytes, or another version)");
  CHECK_SAYS(fails("\xfa 7"), "another version");
  CHECK_SAYS(fails(""), "no bytes at all");
  CHECK_SAYS(fails("\xf9"), "expected u8, found the end of the message");
  CHECK_SAYS(fails("\xf9 "), "found the end of the message");
  CHECK_SAYS(fails("\xf9 78"), "at byte 3 of 4: expected the end of the message, found 1 more");
  CHECK_SAYS(fails("\xf9\x07"), "found 0x07");
}

TEST_CASE("typed: bools other than 0 and 1 are errors") {
  const auto buffer = Buffer::copy_of("\xf9\x10\x02");
  CHECK_SAYS(text_of<DecodeError>([&] { (void)decode<bool>(buffer.bytes()); }), "found 2");
}

TEST_CASE("typed: what a class's own function throws is a DecodeError") {
  CHECK_SAYS(wrong<Picky>(std::tuple<int>{-1}), "negative");
}

TEST_CASE("typed: what needs no encoding, or cannot be, is known") {
  static_assert(archive::is_raw_bytes<Buffer>);
  static_assert(archive::is_raw_bytes<std::span<const std::byte>>);
  static_assert(archive::is_raw_bytes<std::span<std::byte, 3>>);
  static_assert(!archive::is_raw_bytes<std::span<const double>>);
  static_assert(!archive::Scalar<long double>);
  static_assert(!archive::Scalar<wchar_t>);
}
