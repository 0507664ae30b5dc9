#include "results/statistics.hpp"

#include <algorithm>
#include <cstddef>

namespace comparison {
namespace {

/// What `pick` finds in the figure `index` of each world.
template <class Pick>
auto of_each(const std::vector<Results>& worlds, std::size_t index, Pick&& pick) {
  std::vector<decltype(pick(worlds.front().figures.front()))> all;
  for (const Results& world : worlds) all.push_back(pick(world.figures.at(index)));
  return all;
}

Summary median_of(const std::vector<Summary>& all) {
  const auto values_of = [&](double Summary::*member) {
    std::vector<double> values;
    for (const Summary& one : all) values.push_back(one.*member);
    return values;
  };
  Summary found{.p50 = median(values_of(&Summary::p50)),
                .p99 = median(values_of(&Summary::p99)),
                .min = std::ranges::min(values_of(&Summary::min)),
                .max = std::ranges::max(values_of(&Summary::max))};
  for (const Summary& one : all) found.samples += one.samples;
  return found;
}

Ratio median_of(const std::vector<Ratio>& all) {
  Ratio found = all.front();
  found.pairs = 0;
  std::vector<double> medians;
  for (const Ratio& one : all) {
    medians.push_back(one.median);
    found.min = std::min(found.min, one.min);
    found.max = std::max(found.max, one.max);
    found.pairs += one.pairs;
  }
  found.median = median(medians);
  return found;
}

}  // namespace

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

Results median_of_worlds(const std::vector<Results>& worlds) {
  Results all = worlds.front();
  for (std::size_t i = 0; i < all.figures.size(); ++i) {
    Figure& figure = all.figures[i];
    figure.rankwire = median_of(of_each(worlds, i, [](const Figure& one) { return one.rankwire; }));
    for (std::size_t k = 0; k < figure.beside.size(); ++k) {
      Beside& beside = figure.beside[k];
      const auto of_way = [&](auto Beside::*member) {
        return of_each(worlds, i, [&](const Figure& one) { return one.beside.at(k).*member; });
      };
      beside.summary = median_of(of_way(&Beside::summary));
      beside.ratio = median_of(of_way(&Beside::ratio));
    }
  }
  return all;
}

}  // namespace comparison
