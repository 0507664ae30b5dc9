#pragma once

#include <string>

#include "record.hpp"

namespace product {

/// The lines before the first result.
[[nodiscard]] std::string heading(int ranks);

/// One worker's result as a person reads it, an empty line at the end.
[[nodiscard]] std::string text_of(const Record& record);

/// One worker's result as one line of JSON; the product is a string.
[[nodiscard]] std::string json_of(const Record& record);

}  // namespace product
