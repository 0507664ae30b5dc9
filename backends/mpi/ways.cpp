#include "ways.hpp"

#include <algorithm>
#include <bit>

namespace rankwire::mpi {
namespace {

constexpr std::uint32_t sizes = Ways::groups / 2;
constexpr std::size_t smallest_bits = 13;  // the first size is all up to 8 KiB

Way other(Way way) {
  return way == Way::pieces ? Way::announced : Way::pieces;
}

}  // namespace

std::uint32_t Ways::group_of(std::size_t bytes, bool in_a_row) {
  const auto size = static_cast<std::uint32_t>(std::bit_width((bytes - 1) >> smallest_bits));
  return 1 + std::min(size, sizes - 1) + (in_a_row ? sizes : 0);
}

Ways::Ways() {
  const auto guess = [this](std::size_t bytes, bool in_a_row) {
    for (auto group = group_of(1, in_a_row); group <= group_of(bytes, in_a_row); ++group)
      groups_[group - 1].way = Way::pieces;
  };
  guess(std::size_t{64} << 10U, false);
  guess(std::size_t{16} << 10U, true);
}

Ways::Choice Ways::choose(std::size_t bytes, bool in_a_row) {
  if (bytes > bytes_max) return {};
  const std::uint32_t number = group_of(bytes, in_a_row);
  Group& group = groups_[number - 1];
  const Trial& trial = in_a_row ? row : single;
  const unsigned calm = group.known ? trial.calm : 0;
  const unsigned step = group.step;
  group.step = static_cast<std::uint16_t>((step + 1) % (calm + 2 * trial.messages));
  if (step < calm) return {group.way, 0};
  const unsigned at = step - calm;
  const bool is_timed = at % trial.messages >= trial.messages - trial.timed;
  return {at < trial.messages ? group.way : other(group.way), is_timed ? number : 0};
}

void Ways::learned(std::uint32_t group, std::optional<Way> quicker) {
  if (group == 0 || group > groups) return;
  Group& at = groups_[group - 1];
  at = {.way = quicker.value_or(at.way), .known = true};
}

WayTimes::Time WayTimes::Times::quarter() const {
  auto sorted = took;
  std::nth_element(sorted.begin(), sorted.begin() + samples / 4, sorted.end());
  return sorted[samples / 4];
}

std::optional<WayTimes::Verdict> WayTimes::add(std::uint32_t group, Way way, Time took) {
  if (group == 0 || group > Ways::groups) return std::nullopt;
  Group& at = groups_[group - 1];
  Times& times = way == Way::pieces ? at.pieces : at.announced;
  times.took[times.count++ % samples] = took;
  if (std::min(at.pieces.count, at.announced.count) < samples) return std::nullopt;
  const Time pieces = at.pieces.quarter(), announced = at.announced.quarter();
  at = {};
  Verdict verdict{group, std::nullopt};
  if (pieces < announced - announced / 16) verdict.quicker = Way::pieces;
  if (announced < pieces - pieces / 16) verdict.quicker = Way::announced;
  return verdict;
}

}  // namespace rankwire::mpi
