#pragma once

#include <string>
#include <vector>

#include "report/plots.hpp"
#include "results/sheet.hpp"

namespace comparison {

/// `text` as it can stand in HTML, also between quotes.
[[nodiscard]] std::string escape(const std::string& text);

/// Rows of cells as an HTML table; the first row is the heading. There is at least that one.
[[nodiscard]] std::string table_of_rows(const std::vector<std::vector<std::string>>& rows);

/// The figures of one measure as an HTML table; of one run with all that stands beside them.
[[nodiscard]] std::string figures_table(const Sheet& sheet, const std::string& measure);

/// Which colour and mark is which transport, and what is dashed.
[[nodiscard]] std::string legend(const Sheet& sheet, const Plot& plot);

}  // namespace comparison
