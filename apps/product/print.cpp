#include "print.hpp"

#include <fmt/format.h>

namespace product {

std::string heading(int ranks) {
  return fmt::format("Master process started.\n\nTotal processes: {}\n\n", ranks);
}

std::string text_of(const Record& record) {
  return fmt::format(
      "Master received processed data from worker process {}:\n"
      "  Input data: [{}]\n"
      "  Calculated product: {}\n\n",
      record.rank, fmt::join(record.values, ", "), record.product.text());
}

std::string json_of(const Record& record) {
  return fmt::format("{{\"rank\":{},\"values\":[{}],\"product\":\"{}\"}}\n", record.rank,
                     fmt::join(record.values, ","), record.product.text());
}

}  // namespace product
