#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace comparison {

/// What a worker of the program product sends for each of its tasks, in the form that travels.
struct Record {
  std::int32_t rank = 1;
  std::vector<std::int64_t> values = std::vector<std::int64_t>(10);
  bool negative = false;
  std::vector<std::uint8_t> product{product_bytes.begin(), product_bytes.end()};

  static constexpr std::array<std::uint8_t, 3> product_bytes{0x00, 0x5f, 0x37};  // of 3628800

  template <class Archive>
  void serialize(Archive& archive) {
    archive(rank, values, negative, product);
  }
};

}  // namespace comparison
