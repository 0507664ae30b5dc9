#include <doctest/doctest.h>

#include <bitset>
#include <chrono>
#include <complex>
#include <deque>
#include <list>
#include <queue>
#include <set>

#include "../support/count_new.hpp"
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
  std::optional<Event> do_next(const Wanted& wanted, Deadline) override {
    if (messages_.empty()) return std::nullopt;
    if (!wanted.takes(messages_.front().payload.bytes())) wanted.refuse(0, messages_.front());
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
template <class T, int rows, int columns>
struct Shape {
  T cells[rows][columns] = {};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cells);
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

TEST_CASE("typed: who sent it, and with which tag") {
  Loop channel;
  send(channel, 1, 5, 1.5);
  const auto [source, tag, value] = recv_from<double>(channel, any_source, any_tag);
  CHECK(source == 1);
  CHECK(tag == 5);
  CHECK(value == 1.5);
  CHECK_FALSE(try_recv_from<double>(channel, any_source, 5, Deadline::poll()).has_value());
  CHECK_SAYS(
      text_of<Timeout>([&] { (void)recv_from<double>(channel, any_source, 5, Deadline::poll()); }),
      "from anyone (tag 5)");
}

TEST_CASE("typed: an array as vector, span, array, and into memory of the caller's") {
  Loop channel;
  const std::vector<double> numbers{1.5, -2, 1e300};
  send(channel, 1, 0, numbers);
  send(channel, 1, 1, std::span{numbers});
  send(channel, 1, 2, std::array<double, 2>{4, 5});
  send(channel, 1, 3, std::vector<double>{});
  CHECK(recv<std::vector<double>>(channel, 1, 0) == numbers);
  std::vector<double> memory(4, 7);
  const Filled filled = recv_into(channel, any_source, any_tag, std::span{memory});
  CHECK(filled.source == 1);
  CHECK(filled.tag == 1);
  CHECK(filled.count == 3);
  CHECK(memory == std::vector<double>{1.5, -2, 1e300, 7});
  CHECK(recv_into(channel, 1, 2, memory).count == 2);
  CHECK(memory == std::vector<double>{4, 5, 1e300, 7});
  CHECK(recv_into(channel, 1, 3, std::span<double>{}).count == 0);
  CHECK_FALSE(try_recv_into(channel, 1, 3, std::span{memory}, Deadline::poll()).has_value());
  CHECK_SAYS(text_of<Timeout>([&] { recv_into(channel, 1, 3, memory, Deadline::poll()); }),
             "tag 3");
}

TEST_CASE("typed: an array of another type, or too large, stays to be received") {
  Loop channel;
  std::array<double, 2> memory{7, 7};
  const auto refused = [&] {
    return text_of<UsageError>([&] { recv_into(channel, 1, 4, memory); });
  };
  send(channel, 1, 4, std::vector<float>{1});
  CHECK_SAYS(refused(), "the message of rank 1 (tag 4) is another one");
  CHECK_SAYS(refused(), "expected array of f64, found array of f32");
  CHECK_SAYS(refused(), "it stays to be received");
  CHECK(recv<std::vector<float>>(channel, 1, 4) == std::vector<float>{1});
  send(channel, 1, 4, std::vector<double>{1, 2, 3});
  CHECK_SAYS(refused(),
             "an array of 3 elements of f64, the memory to receive it into has room for 2");
  CHECK(recv<std::vector<double>>(channel, 1, 4).size() == 3);
  send(channel, 1, 4, 1.5);
  CHECK_SAYS(refused(), "expected array, found f64");
  CHECK(recv<double>(channel, 1, 4) == 1.5);
  send(channel, 1, 4, std::pair{std::vector<double>{1}, 1});
  CHECK_SAYS(refused(), "expected array, found begin of a class");
  (void)channel.recv(1, 4);
  auto bytes = encode(std::vector<double>{1});
  channel.send(1, 4, bytes.bytes().first(bytes.size() - 1));
  CHECK_SAYS(refused(), "more than the 7 bytes left can hold");
  (void)channel.recv(1, 4);
  channel.send(1, 4, Buffer::copy_of(std::string{bytes.text()} + "x"));
  CHECK_SAYS(refused(), "found 1 more bytes");
  (void)channel.recv(1, 4);
  channel.send(1, 4, Buffer::copy_of("hello"));
  CHECK_SAYS(refused(), "raw bytes");
  CHECK(memory == std::array<double, 2>{7, 7});
}

TEST_CASE("typed: an array is one allocation, whatever its size") {
  const std::vector<double> numbers(100'000, 1.5);
  const auto before = allocated_so_far();
  const auto bytes = encode(std::span{numbers});
  CHECK(allocated_so_far().times == before.times);  // of malloc's, not of new's
  CHECK(bytes.size() == archive::block_head_bytes + numbers.size() * sizeof(double));
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

TEST_CASE("typed: other units, clocks, sizes and kinds of container are errors") {
  using std::chrono::steady_clock;
  using std::chrono::system_clock;
  CHECK_SAYS(wrong<std::chrono::milliseconds>(5s),
             "expected a duration in 1/1000 s, found a duration in 1/1 s");
  CHECK_SAYS(wrong<std::chrono::hours>(5min), "in 3600/1 s, found a duration in 60/1 s");
  CHECK_SAYS((wrong<std::chrono::duration<double>>(5s)), "expected f64, found i64");
  CHECK_SAYS(wrong<steady_clock::time_point>(system_clock::time_point{}),
             "time point of the steady clock, found a time point of the system clock");
  CHECK_SAYS((wrong<std::chrono::time_point<system_clock, std::chrono::seconds>>(
                 system_clock::time_point{})),
             "expected a duration in 1/1 s, found a duration in 1/1000000000 s");
  CHECK_SAYS(wrong<std::chrono::seconds>(5L), "expected begin of a class, found i64");
  CHECK_SAYS(wrong<std::chrono::seconds>(std::tuple<long>{5}), "duration in 1/1 s, found i64");
  CHECK_SAYS(wrong<std::tuple<long>>(5s), "expected i64, found a duration in 1/1 s");
  CHECK_SAYS(wrong<std::bitset<66>>(std::bitset<70>{}), "of 66 bits, found a bitset of 70 bits");
  CHECK_SAYS(wrong<std::bitset<7>>(std::bitset<8>{}), "of 7 bits, found a bitset of 8 bits");

  const std::multimap<int, int> multimap{{1, 2}, {3, 4}};
  CHECK_SAYS((wrong<std::map<int, int>>(multimap)), "size of a map, found size of a multimap");
  CHECK_SAYS((wrong<std::unordered_map<int, int>>(multimap)), "found size of a multimap");
  CHECK_SAYS((wrong<std::multimap<int, int>>(std::map<int, int>{})), "found size of a map");
  CHECK_SAYS((wrong<std::unordered_map<int, int>>(std::unordered_multimap<int, int>{})),
             "size of a map, found size of a multimap");
  CHECK_SAYS(wrong<std::set<int>>(std::multiset<int>{1}), "of a set, found size of a multiset");
  CHECK_SAYS(wrong<std::unordered_set<int>>(std::unordered_multiset<int>{1}), "of a multiset");
  CHECK_SAYS(wrong<std::multiset<int>>(std::set<int>{1}), "of a multiset, found size of a set");
  CHECK_SAYS(wrong<std::set<int>>(std::list<int>{1}), "expected size of a set, found size");
  CHECK_SAYS(wrong<std::list<int>>(std::set<int>{1}), "expected size, found size of a set");
  CHECK_SAYS((wrong<std::map<int, int>>(std::set<int>{1})), "found size of a set");
  using Least = std::priority_queue<int, std::vector<int>, std::greater<int>>;
  Least least;
  for (const int number : {3, 1, 2}) least.push(number);
  CHECK_SAYS(wrong<std::priority_queue<int>>(least), "in the order of another comparator");
}

TEST_CASE("typed: arrays of another shape are errors") {
  CHECK_SAYS((wrong<Shape<int, 3, 2>>(Shape<int, 2, 3>{})), "3");
  CHECK_SAYS((wrong<Shape<int, 2, 3>>(Shape<int, 3, 2>{})), "3 elements, found one of 2");
  CHECK_SAYS((wrong<Shape<std::byte, 2, 3>>(Shape<std::byte, 3, 2>{})), "3 elements");
  CHECK_SAYS((wrong<Shape<Point, 2, 3>>(Shape<Point, 3, 2>{})), "end of a class");
  CHECK_SAYS((wrong<std::array<std::array<int, 2>, 3>>(std::array<std::array<int, 3>, 2>{})),
             "2 elements, found one of 3");
  CHECK_SAYS((wrong<std::array<int, 3>>(std::array<int, 4>{})), "3 elements, found one of 4");
}

TEST_CASE("typed: other numbers are errors") {
  CHECK_SAYS(wrong<float>(1.0), "expected f32, found f64");
  CHECK_SAYS(wrong<std::vector<float>>(std::vector<double>{}), "array of f32, found array of f64");
  CHECK_SAYS(wrong<int>(1U), "expected i32, found u32");
  enum class Narrow : std::uint8_t {};
  enum class Wide : std::uint16_t {};
  CHECK_SAYS(wrong<Wide>(Narrow{}), "expected u16, found u8");
  CHECK_SAYS(wrong<bool>(Narrow{}), "expected bool, found u8");
  CHECK_SAYS((wrong<std::complex<float>>(std::complex<double>{})), "expected f32, found f64");
  CHECK_SAYS(wrong<std::u16string>(std::string{}), "string of u16, found string of char");
}

TEST_CASE("typed: hostile labels, sizes and sets are errors") {
  const auto fails = [](const std::string& bytes, auto type) {
    const auto buffer = Buffer::copy_of("\xf9" + bytes);
    return text_of<DecodeError>([&] { (void)decode<decltype(type)>(buffer.bytes()); });
  };
  using std::chrono::seconds;
  CHECK_SAYS(fails("\x70", seconds{}), "found the end of the message");
  CHECK_SAYS(fails("\x70\x61", seconds{}), "found a label without an end");
  CHECK_SAYS(fails("\x70\x61\xff", seconds{}), "found a ");
  CHECK_SAYS(fails("\x70\x61\x03\x1b[m", seconds{}), "found a ?[m");
  const std::string two("\x02\0\0\0\0\0\0\0", 8);
  CHECK_SAYS(fails("\x70\x62" + two + "\x11x\x11x\x71", std::set<char>{}), "comes twice");
  CHECK_SAYS(fails("\x70\x62" + two + "\x11x\x11x\x71", std::unordered_set<char>{}), "twice");
  const std::string item("\x70\x11x\x11y\x71", 6);
  CHECK_SAYS(fails("\x70\x64" + two + item + item + "\x71", std::map<char, char>{}), "twice");
  CHECK_SAYS(fails("\x70\x62" + std::string(8, '\x7f'), std::set<char>{}), "more than the bytes");
  std::string bits{encode(std::bitset<7>{}).text()};
  bits[bits.size() - 2] = static_cast<char>(0x80);
  CHECK_SAYS(fails(bits.substr(1), std::bitset<7>{}), "behind the last");
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
