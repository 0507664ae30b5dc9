#include "big_integer.hpp"

#include <stdexcept>

namespace product {
namespace {

constexpr int least_word_first = -1;
constexpr int of_this_machine = 0;  // the order of bytes within a word; a word has only one

}  // namespace

std::vector<std::uint8_t> BigInteger::magnitude() const {
  std::vector<std::uint8_t> bytes(value == 0 ? 0 : mpz_sizeinbase(value.get_mpz_t(), 256));
  mpz_export(bytes.data(), nullptr, least_word_first, 1, of_this_machine, 0, value.get_mpz_t());
  return bytes;
}

void BigInteger::assign(bool negative, const std::vector<std::uint8_t>& bytes) {
  constexpr std::size_t bytes_max = std::size_t{1}
                                    << 20;  // above it GMP would abort sooner or later
  if (bytes.size() > bytes_max) throw std::runtime_error{"an integer of more than a MiB"};
  if (!bytes.empty() && bytes.back() == 0)
    throw std::runtime_error{"an integer with leading zeros"};
  if (bytes.empty() && negative) throw std::runtime_error{"an integer that is minus zero"};
  mpz_import(value.get_mpz_t(), bytes.size(), least_word_first, 1, of_this_machine, 0,
             bytes.data());
  if (negative) value = -value;
}

}  // namespace product
