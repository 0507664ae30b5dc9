#pragma once

#include <cstdint>
#include <string>

#include "results/results.hpp"

namespace comparison {

// How the table of two runs and the report write what results.hpp has.

/// "0.35 us", "1.21 GB/s", "3.40 M/s": three digits and the unit that suits the size. `unit` is a
/// Figure's; one that is not known follows the number as it is.
[[nodiscard]] std::string quantity_text(double value, const std::string& unit);

/// `value` as one of this figure's; the CPU time of ranks that wait as "0.30 % of a core".
[[nodiscard]] std::string quantity_text(double value, const Figure& figure);

/// "1.07", "0.93", "12.4": of a ratio; never "0.00" for what is not 0.
[[nodiscard]] std::string ratio_text(double ratio);

/// "8 B", "64 KiB", "16 MiB": exact.
[[nodiscard]] std::string size_text(std::uint64_t bytes);

/// "mpi over shared memory" for "mpi-shm".
[[nodiscard]] std::string transport_words(const std::string& transport);

/// "8 B", "4 workers, 64 B", "4 ranks": what distinguishes a figure from others of its measure and
/// transport; may be empty.
[[nodiscard]] std::string setting_text(const Figure& figure);

/// The bare library's figure beside this one, where there is one.
[[nodiscard]] const Beside* raw_of(const Figure& figure);

}  // namespace comparison
