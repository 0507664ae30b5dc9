#include "rankwire/backend/texts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "rankwire/errors.hpp"

namespace rankwire {
namespace {

struct Range {
  char32_t first, last;
};

/// Characters beyond ASCII that are not printable: control characters of Latin-1, and those that
/// end lines or change the direction of text.
constexpr std::array unprintable{
    Range{0x80, 0x9f},     Range{0x61c, 0x61c},   Range{0x200b, 0x200f}, Range{0x2028, 0x202e},
    Range{0x2060, 0x206f}, Range{0xfeff, 0xfeff}, Range{0xfff0, 0xfffb}, Range{0xe0000, 0xe0fff}};

struct Character {
  char32_t code = 0;
  std::size_t bytes = 0;  // 0: the text does not begin with a character of UTF-8
};

Character first_of(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = at(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
  char32_t code = lead & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((at(i) & 0xc0U) != 0x80) return {};
    code = (code << 6U) | (at(i) & 0x3fU);
  }
  constexpr std::array least{U'\0', U'\0', U'\x80', U'\x800', U'\x10000'};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < least[bytes] || code > 0x10ffff || surrogate) return {};
  return {code, bytes};
}

bool is_printable(const Character& character) {
  if (character.bytes == 0) return false;
  if (character.bytes == 1) return character.code >= 0x20 && character.code != 0x7f;
  return std::none_of(unprintable.begin(), unprintable.end(), [&](const Range& range) {
    return character.code >= range.first && character.code <= range.last;
  });
}

}  // namespace

std::string printable(std::string_view text, std::size_t bytes_max) {
  constexpr std::string_view cut = "...";
  std::string shown;
  std::size_t kept = 0;  // bytes of `shown` that stay if it is cut
  while (!text.empty()) {
    const Character character = first_of(text);
    const std::size_t bytes = std::max<std::size_t>(character.bytes, 1);
    std::string next;
    if (is_printable(character)) {
      next = text.substr(0, bytes);
    } else {
      for (const char byte : text.substr(0, bytes)) {
        next += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
      }
    }
    if (shown.size() + next.size() > bytes_max) return shown.substr(0, kept).append(cut);
    shown += next;
    if (shown.size() + cut.size() <= bytes_max) kept = shown.size();
    text.remove_prefix(bytes);
  }
  return shown;
}

std::string printable_path(std::string_view path) {
  constexpr std::size_t system_max = 4096;  // PATH_MAX
  return printable(path, 4 * system_max);
}

std::string lacking_room(const std::string& dest_name, std::size_t bytes, WindowUse window) {
  const std::string shared =
      window.share_bytes >= window.window_bytes
          ? ""
          : fmt::format("; {} of it are sure, for more it needs memory of both (--memory)",
                        window.share_bytes);
  return fmt::format(
      "room to send {} bytes to {}: {} of a window of {} bytes (--window) are not known to be "
      "received there{}",
      bytes, dest_name, window.outstanding_bytes, window.window_bytes, shared);
}

void throw_no_room(int self, int dest, const std::string& dest_name, std::size_t bytes,
                   WindowUse window) {
  throw Timeout{fmt::format("rank {}: no {}{}; receive first, wait longer, or raise {}", self,
                            lacking_room(dest_name, bytes, window),
                            dest == self ? ", and only this rank could" : "",
                            window.share_bytes < window.window_bytes ? "--memory" : "--window")};
}

}  // namespace rankwire
