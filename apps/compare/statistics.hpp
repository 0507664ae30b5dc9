#pragma once

#include <vector>

namespace comparison {

/// The middle one; the mean of the two in the middle of an even number. Not of none.
[[nodiscard]] double median(std::vector<double> values);

/// What rounds of rankwire and of its baseline, measured in turn, gave.
class Pairs {
 public:
  void add(double ours, double raw);
  [[nodiscard]] double ours() const { return median(ours_); }
  [[nodiscard]] double raw() const { return median(raw_); }
  /// The median of the ratios pair by pair: what slows both alike cancels out.
  [[nodiscard]] double ratio() const { return median(ratios_); }
  [[nodiscard]] double ratio_min() const;
  [[nodiscard]] double ratio_max() const;

 private:
  std::vector<double> ours_, raw_, ratios_;
};

}  // namespace comparison
