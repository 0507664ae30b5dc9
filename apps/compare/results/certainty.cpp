#include "results/certainty.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "results/quantity.hpp"

namespace comparison {

bool is_uncertain(const Figure& figure) {
  const Beside* const raw = raw_of(figure);
  return raw != nullptr && raw->ratio.pairs > 0 &&
         raw->ratio.max > raw->ratio.min * pairs_apart_max;
}

std::string pairs_text(const Figure& figure) {
  const Ratio& ratio = raw_of(figure)->ratio;
  const std::string setting = setting_text(figure);
  return fmt::format("{}x to {}x, {}{}{}", ratio_text(ratio.min), ratio_text(ratio.max),
                     figure.transport, setting.empty() ? "" : " at ", setting);
}

const Figure* least_certain(const std::vector<const Figure*>& figures) {
  return *std::max_element(figures.begin(), figures.end(), [](const auto* a, const auto* b) {
    const Ratio &of_a = raw_of(*a)->ratio, &of_b = raw_of(*b)->ratio;
    return of_a.max * of_b.min < of_b.max * of_a.min;
  });
}

}  // namespace comparison
