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

Summary summary_of(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const auto worst = static_cast<std::size_t>(0.99 * static_cast<double>(samples.size() - 1) + 0.5);
  return {.p50 = median(samples),
          .p99 = samples.at(worst),
          .min = samples.front(),
          .max = samples.back(),
          .samples = samples.size()};
}

Ratio ratio_of(const std::vector<double>& ours, const std::vector<double>& theirs) {
  std::vector<double> ratios;
  for (std::size_t pair = 0; pair < ours.size(); ++pair) {
    ratios.push_back(ours.at(pair) / theirs.at(pair));
  }
  return {.median = median(ratios),
          .min = *std::min_element(ratios.begin(), ratios.end()),
          .max = *std::max_element(ratios.begin(), ratios.end()),
          .pairs = ratios.size()};
}

}  // namespace comparison
