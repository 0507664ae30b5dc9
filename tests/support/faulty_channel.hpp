#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "rankwire/channel.hpp"

namespace support {

/// A Channel around another that breaks what it is told to break. Without faults it is invisible:
/// the conformance suite runs through it as well.
class FaultyChannel final : public rankwire::Channel {
 public:
  /// What happens to the messages that this rank sends and receives. Each is asked with the message
  /// and its number, from 0, in its direction.
  struct Faults {
    /// Called before a message goes out; may change its bytes, may throw. False: it is lost.
    std::function<bool(rankwire::Buffer& payload, std::uint64_t number)> on_send{};
    /// Called before a message is given to the program; may change its bytes, may throw.
    std::function<void(rankwire::Message& message, std::uint64_t number)> on_receive{};
  };

  FaultyChannel(std::unique_ptr<rankwire::Channel> inner, Faults faults)
      : Channel{{inner->rank(), inner->size(), inner->info().message_bytes_max}},
        inner_{std::move(inner)},
        faults_{std::move(faults)} {}

 private:
  void do_send(int dest, int tag, rankwire::Buffer&& payload,
               rankwire::Deadline deadline) override {
    if (faults_.on_send && !faults_.on_send(payload, sent_++)) return;
    inner_->send(dest, tag, std::move(payload), deadline);
  }
  std::optional<rankwire::Event> do_next(const rankwire::Wanted& wanted,
                                         rankwire::Deadline deadline) override {
    auto event = next_of(*inner_, wanted, deadline);
    if (event && faults_.on_receive) {
      if (auto* const message = std::get_if<rankwire::Message>(&*event)) {
        faults_.on_receive(*message, received_++);
      }
    }
    return event;
  }
  std::optional<rankwire::Departure> do_departure(int rank) override {
    return inner_->departure(rank);
  }
  [[nodiscard]] rankwire::Info do_info() const override { return inner_->info(); }
  void do_close(rankwire::Deadline serve_until) override { inner_->close(serve_until); }
  void do_abort(int exit_code, const std::string& what) noexcept override {
    inner_->abort(exit_code, what);
  }

  std::unique_ptr<rankwire::Channel> inner_;
  Faults faults_;
  std::uint64_t sent_ = 0, received_ = 0;
};

}  // namespace support
