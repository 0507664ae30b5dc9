#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

// What happens to one rank, as fuzz_handshake reads it from its input and fuzz_seeds writes it: a
// setting, then steps. Any bytes are a script. What would follow the end is zero.

namespace fuzz {

enum class Step : std::uint8_t {
  // The network's.
  frame,    ///< connection; first frame (u16 size, bytes); u8 of FrameBits; u16 size of the chunk
  up,       ///< connection
  down,     ///< connection
  nothing,  ///< nothing has arrived
  // The program's.
  send,       ///< destination; u8 tag; u16 size in units of 16 bytes
  receive,    ///< source; u8 tag: of 0 any
  next,       ///< source; u8 tag: of 0 any
  departure,  ///< of a rank
  close,      ///< u8: serves the others if odd
  abort       ///< u8 exit code
};
enum FrameBits : unsigned {
  chunk_bit = 1,    ///< has a second frame
  in_order_bit = 2  ///< gets the number that is due, where its kind has one
};
inline constexpr int steps = static_cast<int>(Step::abort) + 1;

[[nodiscard]] constexpr bool is_of_network(Step step) {
  return step <= Step::nothing;
}

/// Connections that a script names: 0..7 called us, the others we dialed, in order.
inline constexpr std::uint8_t callers_max = 8;
[[nodiscard]] constexpr std::uint8_t dialed(std::uint8_t index) {
  return static_cast<std::uint8_t>(callers_max + index);
}

/// The first bytes of a script.
struct Setting {
  enum class Start : std::uint8_t { master, worker, running_master, running_worker };
  Start start = Start::master;
  std::uint8_t ranks = 2;       ///< 2..5
  bool takes_arrivals = false;  // the rest is one byte of bits
  bool patient = false;         ///< grace, linger and the join's deadline are long; else they are 0
  bool small_window = false;
  std::uint8_t probed = 0;  ///< what every probe finds: 0..2, Probe::Outcome
};

class Script {
 public:
  explicit Script(std::span<const std::byte> bytes) : left_{bytes} {}

  [[nodiscard]] bool at_end() const { return left_.empty(); }
  [[nodiscard]] std::size_t left() const { return left_.size(); }
  /// The step that comes next; not at the end.
  [[nodiscard]] Step peek() const {
    return static_cast<Step>(std::to_integer<int>(left_.front()) % steps);
  }
  Step step() {
    const Step next = peek();
    left_ = left_.subspan(1);
    return next;
  }
  Setting setting();
  std::uint8_t u8() {
    if (left_.empty()) return 0;
    const auto value = std::to_integer<std::uint8_t>(left_.front());
    left_ = left_.subspan(1);
    return value;
  }
  std::uint16_t u16() {
    const unsigned low = u8();
    return static_cast<std::uint16_t>(low | (static_cast<unsigned>(u8()) << 8U));
  }
  std::span<const std::byte> bytes() {
    const std::size_t wanted = u16();  // first, as it takes from what is left
    const std::size_t size = std::min(wanted, left_.size());
    const auto taken = left_.first(size);
    left_ = left_.subspan(size);
    return taken;
  }
  /// Passes a step without doing it.
  void skip();

 private:
  std::span<const std::byte> left_;
};

/// Writes scripts, for the seeds.
class ScriptWriter {
 public:
  explicit ScriptWriter(const Setting& setting);
  ScriptWriter& step(Step step) { return u8(static_cast<std::uint8_t>(step)); }
  ScriptWriter& u8(std::uint8_t value) {
    bytes_.push_back(static_cast<char>(value));
    return *this;
  }
  ScriptWriter& u16(std::uint16_t value) {
    return u8(static_cast<std::uint8_t>(value)).u8(static_cast<std::uint8_t>(value >> 8U));
  }
  ScriptWriter& bytes(std::string_view bytes) {
    u16(static_cast<std::uint16_t>(bytes.size()));
    bytes_ += bytes;
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace fuzz
