#pragma once

#include <gmpxx.h>

#include <cstdint>
#include <string>
#include <vector>

namespace product {

/// An exact integer of any size.
struct BigInteger {
  mpz_class value;

  /// On the wire: whether it is negative, and its magnitude, least byte first, without zeros at the
  /// end. The same on every machine, whatever its words look like.
  template <class Archive>
  void save(Archive& archive) const {
    archive(value < 0, magnitude());
  }
  /// Throws std::runtime_error when the bytes are not what save writes.
  template <class Archive>
  void load(Archive& archive) {
    bool negative = false;
    std::vector<std::uint8_t> bytes;
    archive(negative, bytes);
    assign(negative, bytes);
  }

  [[nodiscard]] std::string text() const { return value.get_str(); }

 private:
  [[nodiscard]] std::vector<std::uint8_t> magnitude() const;
  void assign(bool negative, const std::vector<std::uint8_t>& bytes);
};

}  // namespace product
