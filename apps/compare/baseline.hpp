#pragma once

#include <memory>
#include <rankwire/rankwire.hpp>
#include <string>
#include <utility>
#include <vector>

#include "bounce.hpp"

namespace comparison {

/// The way between ranks 0 and 1 by the transport's own library, as one would write it without
/// rankwire. Each is in a file of its own, the only ones here that know that library.
class Baseline {
 public:
  explicit Baseline(std::string name) : name_{std::move(name)} {}
  virtual ~Baseline() = default;
  Baseline(const Baseline&) = delete;
  Baseline& operator=(const Baseline&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] virtual std::vector<double> lead(const Round& round) = 0;
  virtual void echo() = 0;

 private:
  std::string name_;
};

/// A Baseline out of a Link (see bounce.hpp).
template <class Link>
class BaselineOver final : public Baseline {
 public:
  template <class... Arguments>
  explicit BaselineOver(std::string name, Arguments&&... arguments)
      : Baseline{std::move(name)}, link_{std::forward<Arguments>(arguments)...} {}

  std::vector<double> lead(const Round& round) override { return comparison::lead(link_, round); }
  void echo() override { comparison::echo(link_); }

 private:
  Link link_;
};

/// The one for the world's transport. Every rank calls it, at the same point of the program; it may
/// use tags from `baseline_tag` on.
[[nodiscard]] std::unique_ptr<Baseline> open_baseline(rankwire::Channel& world);

inline constexpr int baseline_tag = 100;

/// How long a wait for the other side of a baseline may last, where its library lets one say so.
inline constexpr std::chrono::seconds baseline_patience{10};

[[nodiscard]] std::unique_ptr<Baseline> open_inproc_baseline(rankwire::Channel& world);
[[nodiscard]] std::unique_ptr<Baseline> open_mpi_baseline(rankwire::Channel& world);
[[nodiscard]] std::unique_ptr<Baseline> open_zmq_baseline(rankwire::Channel& world);

}  // namespace comparison
