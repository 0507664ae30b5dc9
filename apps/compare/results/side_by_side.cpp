#include "results/side_by_side.hpp"

#include <fmt/format.h>

#include <rankwire/errors.hpp>

#include "results/quantity.hpp"
#include "results/sheet.hpp"

namespace comparison {
namespace {

constexpr std::size_t columns = 100;

/// Cut to `width` characters, with the end shown to be missing. Bytes of one character (UTF-8) are
/// not parted.
std::string cut(const std::string& text, std::size_t width) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts = (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80;
    if (starts && ++characters == width - 2 && text.size() - i > 3)
      return text.substr(0, i) + "...";
  }
  return text;
}

std::string row(const std::string& what, const std::string& first, const std::string& second,
                const std::string& ratio, const std::string& verdict) {
  return fmt::format("{:<44}{:>17}{:>17}{:>10}{:>9}\n", cut(what, 43), cut(first, 16),
                     cut(second, 16), ratio, verdict);
}

std::string subject(const Figure& figure) {
  const std::string setting = setting_text(figure);
  return fmt::format("{} {}{}{}", figure.transport, figure.measure, setting.empty() ? "" : ", ",
                     setting);
}

std::string value(const std::optional<Summary>& summary, const Figure& figure) {
  return summary ? quantity_text(summary->p50, figure) : "-";
}

}  // namespace

std::string side_by_side(const std::vector<Results>& runs, const std::vector<std::string>& names) {
  if (runs.size() != 2 || names.size() != 2) {
    throw rankwire::UsageError{fmt::format(
        "two runs lie side by side, not {}; say compare --from a.json b.json", runs.size())};
  }
  std::string text;
  for (std::size_t i = 0; i < 2; ++i) {
    text += cut(fmt::format("{}: {} ({}, {}, rankwire {})", "ab"[i], names[i], runs[i].made,
                            runs[i].machine.host, runs[i].version),
                columns) +
            "\n";
  }
  for (const auto& difference : differences(runs[0], runs[1])) {
    text += cut("they differ: " + difference, columns) + "\n";
  }
  text += "\n" + row("what (medians of rankwire)", "a", "b", "b/a", "b is");
  for (const auto& line : sheet_of(runs[0], "a", runs[1], "b").lines) {
    text +=
        row(subject(line.figure), value(line.first, line.figure), value(line.second, line.figure),
            line.ratio ? ratio_text(*line.ratio) : "-", verdict(line));
  }
  return text + "\nalike: within 10 %; look at the spread before you trust a smaller difference\n";
}

}  // namespace comparison
