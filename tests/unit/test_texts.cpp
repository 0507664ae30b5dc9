#include <doctest/doctest.h>

#include "rankwire/backend/texts.hpp"

using rankwire::printable;
using rankwire::printable_path;

TEST_CASE("printable: what may stand in a log stays as it is") {
  for (const auto* text : {"", "node-1", "a 'b' \"c\" \\ ~", "Jörg", "Ω 漢字 🚀"}) {
    CHECK(printable(text) == text);
  }
}

TEST_CASE("printable: control characters, line ends and escape sequences are written as numbers") {
  CHECK(printable("a\nb\r\tc") == "a\\x0ab\\x0d\\x09c");
  CHECK(printable("\x1b[31mred\x7f") == "\\x1b[31mred\\x7f");
  CHECK(printable(std::string_view{"a\0b", 3}) == "a\\x00b");
  CHECK(printable("\xc2\x9b[31m") == "\\xc2\\x9b[31m");           // CSI of Latin-1
  CHECK(printable("\xe2\x80\xaegnp") == "\\xe2\\x80\\xaegnp");    // right to left
  CHECK(printable("\xe2\x80\xa8next") == "\\xe2\\x80\\xa8next");  // line separator
}

TEST_CASE("printable: what is not UTF-8 is written as numbers") {
  CHECK(printable("\xff\xfe") == "\\xff\\xfe");
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");                    // a slash, too long
  CHECK(printable("\xe0\x80\x8a") == "\\xe0\\x80\\x8a");           // a line end, too long
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // half of a pair of UTF-16
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // beyond the last
  CHECK(printable("ab\xc3") == "ab\\xc3");                         // cut off
}

TEST_CASE("printable: a long text is cut, never within a character") {
  CHECK(printable(std::string(1000, 'x'), 10) == "xxxxxxx...");
  CHECK(printable("12345678\xc3\xb6", 10) == "12345678\xc3\xb6");
  CHECK(printable("123456789\xc3\xb6", 10) == "1234567...");
  CHECK(printable("12345678\n", 10) == "1234567...");
  CHECK(printable(std::string(1000, '\n')).size() <= rankwire::printable_bytes_max);
}

TEST_CASE("printable: the name of a file stays whole") {
  const std::string deep(4000, '/');
  CHECK(printable_path(deep + "\n") == deep + "\\x0a");
}

TEST_CASE("printable: what was made printable stays as it is, cut or not") {
  for (std::size_t letters = 0; letters < 12; ++letters) {
    const std::string once = printable(std::string(letters, 'x') + "\n\xff\xc3\xb6\n\n", 20);
    CHECK(printable(once, 20) == once);
  }
}
