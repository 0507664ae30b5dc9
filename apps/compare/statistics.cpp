#include "statistics.hpp"

#include <algorithm>
#include <cstddef>

namespace comparison {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values.at(middle)
                                : (values.at(middle - 1) + values.at(middle)) / 2;
}

void Pairs::add(double ours, double raw) {
  ours_.push_back(ours);
  raw_.push_back(raw);
  ratios_.push_back(ours / raw);
}

double Pairs::ratio_min() const {
  return *std::min_element(ratios_.begin(), ratios_.end());
}

double Pairs::ratio_max() const {
  return *std::max_element(ratios_.begin(), ratios_.end());
}

}  // namespace comparison
