#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ways/bounce.hpp"
#include "ways/burst.hpp"
#include "ways/flood.hpp"

namespace comparison {

/// One rank's end of a way between the ranks: rankwire's channel, or a baseline, which is the same
/// by another library as one would write it without rankwire.
class Way {
 public:
  /// `kind` as Beside::kind has it, "rankwire" for the channel; `name` what is called, in words.
  Way(std::string kind, std::string name) : kind_{std::move(kind)}, name_{std::move(name)} {}
  virtual ~Way() = default;
  Way(const Way&) = delete;
  Way& operator=(const Way&) = delete;

  [[nodiscard]] const std::string& kind() const { return kind_; }
  [[nodiscard]] const std::string& name() const { return name_; }

  // Rank 0 leads, and gets samples: seconds. The others follow, and get the number of messages that
  // they sent.
  virtual std::vector<double> lead(const Bounce& round) = 0;
  virtual std::vector<double> lead(const Flood& flood) = 0;
  virtual std::vector<double> lead(const Burst& burst) = 0;
  virtual std::uint64_t follow(const Bounce& round) = 0;
  virtual std::uint64_t follow(const Flood& flood) = 0;
  virtual std::uint64_t follow(const Burst& burst) = 0;

 private:
  std::string kind_, name_;
};

/// A Way out of a Link (see bounce.hpp).
template <class Link>
class WayOver final : public Way {
 public:
  template <class... Arguments>
  WayOver(std::string kind, std::string name, Arguments&&... arguments)
      : Way{std::move(kind), std::move(name)}, link_{std::forward<Arguments>(arguments)...} {}

  std::vector<double> lead(const Bounce& round) override {
    return round.silence.count() > 0 ? lead_wake(link_, round) : lead_bounce(link_, round);
  }
  std::vector<double> lead(const Flood& flood) override { return lead_flood(link_, flood); }
  std::vector<double> lead(const Burst& burst) override { return lead_burst(link_, burst); }
  std::uint64_t follow(const Bounce& round) override { return echo(link_, round.bytes); }
  std::uint64_t follow(const Flood& flood) override { return send_flood(link_, flood); }
  std::uint64_t follow(const Burst& burst) override { return send_burst(link_, burst); }

 private:
  Link link_;
};

}  // namespace comparison
