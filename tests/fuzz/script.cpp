#include "script.hpp"

namespace fuzz {
namespace {

enum : unsigned { takes_arrivals_bit = 1, patient_bit = 2, small_window_bit = 4, probed_unit = 8 };

}  // namespace

Setting Script::setting() {
  Setting setting;
  setting.start = static_cast<Setting::Start>(u8() % 4);
  setting.ranks = static_cast<std::uint8_t>(2 + u8() % 4);
  const unsigned bits = u8();
  setting.takes_arrivals = (bits & takes_arrivals_bit) != 0;
  setting.patient = (bits & patient_bit) != 0;
  setting.small_window = (bits & small_window_bit) != 0;
  setting.probed = static_cast<std::uint8_t>(bits / probed_unit % 3);
  return setting;
}

void Script::skip() {
  switch (step()) {
    case Step::frame:
      u8();
      bytes();
      u8();
      u16();
      return;
    case Step::nothing:
      return;
    case Step::up:
    case Step::down:
    case Step::departure:
    case Step::close:
    case Step::abort:
      u8();
      return;
    case Step::receive:
    case Step::next:
      u8();
      u8();
      return;
    case Step::send:
      u8();
      u8();
      u16();
  }
}

ScriptWriter::ScriptWriter(const Setting& setting) {
  u8(static_cast<std::uint8_t>(setting.start));
  u8(static_cast<std::uint8_t>(setting.ranks - 2));
  u8(static_cast<std::uint8_t>(
      (setting.takes_arrivals ? takes_arrivals_bit : 0U) | (setting.patient ? patient_bit : 0U) |
      (setting.small_window ? small_window_bit : 0U) | setting.probed * probed_unit));
}

}  // namespace fuzz
