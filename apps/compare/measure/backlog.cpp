#include "measure/backlog.hpp"

#include <fmt/format.h>

#include <chrono>
#include <rankwire/errors.hpp>

#include "ways/channel_link.hpp"

namespace comparison {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int backlog_tags = 1000;
constexpr std::size_t small_bytes = 8;
constexpr int filling_messages = 4;

void take(rankwire::Channel& world, int source, int tag, int count) {
  for (int i = 0; i < count; ++i) {
    if (!world.recv(source, tag)) throw rankwire::Error{"a receive without deadline gave nothing"};
  }
}

template <class Call>
double seconds_of(Call&& call) {
  const auto start = Clock::now();
  call();
  return std::chrono::duration<double>{Clock::now() - start}.count();
}

/// Leaves room for small messages, and none for a large one.
void fill_window(rankwire::Channel& world, std::uint64_t window_bytes) {
  for (int i = 0; i < filling_messages; ++i) {
    world.send(1, filling_tag, rankwire::Buffer{window_bytes / 4 - window_bytes / 64});
  }
}

void send_in_vain(rankwire::Channel& world, std::uint64_t window_bytes) {
  try {
    world.send(1, filling_tag, rankwire::Buffer{window_bytes / 8}, call_deadline);
  } catch (const rankwire::Timeout&) {
    return;
  }
  throw rankwire::Error{"a send found room in a full window"};
}

}  // namespace

void send_backlog(rankwire::Channel& world, int count) {
  for (int i = 0; i < count; ++i) {
    world.send(0, backlog_tag + i % backlog_tags, rankwire::Buffer{small_bytes});
  }
}

void take_backlog(rankwire::Channel& world, int count) {
  for (const int source : {0, 1}) {
    for (int i = 0; i < count; ++i) take(world, source, backlog_tag + i % backlog_tags, 1);
  }
}

void pour(rankwire::Channel& world, int count, bool full_window) {
  for (int i = 0; i < count; ++i) world.send(0, pour_tag, rankwire::Buffer{small_bytes});
  world.send(0, poured_tag, rankwire::Buffer{});
  if (!full_window) return;
  take(world, 0, poured_tag, 1);  // not before rank 0 has seen the end: there must be no room
  take(world, 0, filling_tag, filling_messages);
}

std::vector<double> call_while_it_pours(rankwire::Channel& world, int count, bool full_window) {
  const std::uint64_t window_bytes = world.info().window_bytes;
  if (full_window) fill_window(world, window_bytes);
  std::vector<double> samples;
  for (bool poured = false; !poured;) {
    samples.push_back(seconds_of([&] {
      if (full_window) {
        send_in_vain(world, window_bytes);
      } else {
        poured = world.recv(1, poured_tag, call_deadline).has_value();
      }
    }));
    if (full_window) poured = world.recv(1, poured_tag, rankwire::Deadline::poll()).has_value();
  }
  if (full_window) world.send(1, poured_tag, rankwire::Buffer{});
  take(world, 1, pour_tag, count);
  return samples;
}

}  // namespace comparison
