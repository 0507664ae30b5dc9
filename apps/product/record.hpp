#pragma once

#include <cstdint>
#include <vector>

#include "big_integer.hpp"

namespace product {

/// What a worker sends to the master.
struct Record {
  std::int32_t rank = 0;
  std::vector<std::int64_t> values;
  BigInteger product;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(rank, values, product);
  }
};

inline constexpr int result_tag = 1;

}  // namespace product
