#pragma once

#include <rankwire/rankwire.hpp>
#include <span>
#include <utility>
#include <vector>

#include "ways/record.hpp"
#include "ways/stamp.hpp"

namespace comparison {

enum : int {
  task_tag = 1,
  report_tag,
  ball_tag,
  meet_tag,
  silence_tag,
  baseline_tag,
  pour_tag,
  poured_tag,
  filling_tag,
  backlog_tag  // and those above it
};

/// The way over the channel: owned payloads, so that nothing is copied that need not be. A rank
/// that is lost or left ends every wait.
class ChannelLink {
 public:
  explicit ChannelLink(rankwire::Channel& world) : world_{world} {}
  void make(std::size_t bytes) { payload_ = rankwire::Buffer{bytes}; }
  [[nodiscard]] std::span<std::byte> payload() { return payload_.bytes(); }
  void send(int to) { world_.send(to, ball_tag, std::move(payload_)); }
  int receive(int from) {
    auto message = world_.recv(from, ball_tag);
    payload_ = std::move(message->payload);
    return message->source;
  }
  void expect(std::size_t, int, int) {}
  void burst(int) {}
  void flush() {}
  void prepare(std::size_t bytes, int count) {
    std::vector<rankwire::Buffer> payloads;
    for (int i = 0; i < count; ++i) touch_middle(payloads.emplace_back(bytes).bytes());
  }

 private:
  rankwire::Channel& world_;
  rankwire::Buffer payload_;
};

/// A typed record over the channel; its values are the payload that is stamped.
class RecordLink {
 public:
  explicit RecordLink(rankwire::Channel& world) : world_{world} {}
  void make(std::size_t) { record_ = Record{}; }
  [[nodiscard]] std::span<std::byte> payload() {
    return std::as_writable_bytes(std::span{record_.values});
  }
  void send(int to) { rankwire::send(world_, to, ball_tag, record_); }
  int receive(int from) {
    record_ = rankwire::recv<Record>(world_, from, ball_tag);
    return from;
  }
  void expect(std::size_t, int, int) {}
  void burst(int) {}
  void flush() {}

 private:
  rankwire::Channel& world_;
  Record record_;
};

}  // namespace comparison
