#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace support {

/// One fault of a network, after a sound stretch of it.
struct Fault {
  enum class Kind : std::uint8_t {
    delay,       ///< every byte arrives `held` late
    throttle,    ///< `bytes_per_s` in each direction of each connection
    stall,       ///< nothing is forwarded, no connection ends
    stall_up,    ///< the same from the side that dialed only
    stall_down,  ///< the same towards the side that dialed only
    stall_old,   ///< what stands is stalled; newcomers pass, and may be overtaken by it later
    cut,         ///< both sides of every connection are closed, newcomers at once
    reset,       ///< as cut, by RST
    half_up,     ///< the side that dialed is closed; the other is left open and silent
    half_down,   ///< the side that was dialed is closed; the other is left open and silent
    flip_up,     ///< one bit of the next byte is changed on its way from the side that dialed
    flip_down    ///< the same towards the side that dialed
  };
  Kind kind = Kind::cut;
  std::uint64_t sound_bytes = 0;  ///< forwarded soundly before it begins
  /// Not zero: it begins after so long, too, where fewer bytes have passed (the ranks may compute).
  std::chrono::milliseconds sound_for{0};
  std::chrono::milliseconds duration{0};  ///< a cut or reset of 0 refuses no newcomer
  std::chrono::milliseconds held{0};      ///< of a delay
  std::uint64_t bytes_per_s = 0;          ///< of a throttle
  unsigned bit = 0;                       ///< of a flip, 0..7
};

/// Faults, one after the other; behind the last the network is sound.
///
/// The sound stretches are counted in bytes, not in time: so the faults come while there is
/// something to break, on a fast machine and on a busy one, and a short stretch ends within a
/// handshake. Where ranks compute, few bytes pass: then sound_for brings the next fault.
struct FaultSchedule {
  std::uint64_t seed = 0;  ///< what it was made from; 0: by hand
  std::vector<Fault> faults;

  /// One line: "fault schedule seed 17: 12 KiB sound, cut for 40 ms, 3 B sound, stall 800 ms, ..."
  [[nodiscard]] std::string text() const;
};

/// What a schedule is made from besides its seed.
struct FaultParameters {
  std::size_t faults = 12;
  /// Not zero: up to so many cuts come in a row, 20 to 800 ms after each other, and every fault
  /// comes within a second, for ranks that compute.
  std::size_t cuts_in_a_row_max = 0;
  std::uint64_t sound_bytes_max = std::uint64_t{8} << 20;  ///< of one stretch
  /// Faults with less than 128 KiB between them (or less than a second, where they come by time)
  /// are together no longer than this, so that they do not add up to an outage longer than any of
  /// them.
  std::chrono::milliseconds outage_max{1000};
  /// Not zero: the last fault lasts so long, and is one that lets nothing pass.
  std::chrono::milliseconds last_outage{0};
};

/// The same for the same seed and parameters, on every machine.
[[nodiscard]] FaultSchedule make_schedule(std::uint64_t seed, const FaultParameters& with = {});

}  // namespace support
