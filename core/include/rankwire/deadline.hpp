#pragma once

#include <chrono>

namespace rankwire {

/// The moment at which a wait ends. Every wait of the library takes one.
///
/// A duration converts to one, counted from the moment of the conversion, so that calls read
/// `world.recv(source, tag, 2s)`. It uses the steady clock: setting the wall clock changes nothing.
/// A duration that is too long for the clock means never. Small; pass it by value.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  /// `from_now` of zero or less is in the past: the call polls.
  // NOLINTNEXTLINE(google-explicit-constructor): the implicit form is the purpose.
  template <class Rep, class Period>
  Deadline(std::chrono::duration<Rep, Period> from_now) : at_{from_now_to_point(from_now)} {}

  [[nodiscard]] static Deadline never() { return Deadline{Clock::time_point::max()}; }
  [[nodiscard]] static Deadline poll() { return Deadline{Clock::time_point::min()}; }
  [[nodiscard]] static Deadline at(Clock::time_point moment) { return Deadline{moment}; }

  [[nodiscard]] bool is_never() const { return at_ == Clock::time_point::max(); }
  /// True for a deadline made by poll(). Does not read the clock.
  [[nodiscard]] bool is_poll() const { return at_ == Clock::time_point::min(); }
  [[nodiscard]] bool expired() const { return is_poll() || (!is_never() && Clock::now() >= at_); }
  /// Time left, never negative; Clock::duration::max() for never.
  [[nodiscard]] Clock::duration remaining() const {
    if (is_never()) return Clock::duration::max();
    if (is_poll()) return Clock::duration::zero();
    const auto left = at_ - Clock::now();
    return left > Clock::duration::zero() ? left : Clock::duration::zero();
  }
  [[nodiscard]] Clock::time_point moment() const { return at_; }
  /// The earlier of this deadline and `other`.
  [[nodiscard]] Deadline sooner(Deadline other) const { return at_ < other.at_ ? *this : other; }

 private:
  explicit Deadline(Clock::time_point at) : at_{at} {}

  template <class Rep, class Period>
  static Clock::time_point from_now_to_point(std::chrono::duration<Rep, Period> from_now) {
    using Seconds = std::chrono::duration<double>;
    constexpr Seconds too_long = std::chrono::hours{24 * 365 * 100};
    // Not `<=`: a duration that is no number polls, too.
    if (!(from_now > std::chrono::duration<Rep, Period>::zero())) return Clock::time_point::min();
    if (std::chrono::duration_cast<Seconds>(from_now) > too_long) return Clock::time_point::max();
    return Clock::now() + std::chrono::duration_cast<Clock::duration>(from_now);
  }

  Clock::time_point at_;
};

}  // namespace rankwire
