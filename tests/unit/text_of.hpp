#pragma once

#include <doctest/doctest.h>

#include <string>

/// The text of the E that `act` must throw.
template <class E, class F>
std::string text_of(F&& act) {
  try {
    act();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    FAIL("threw something else: " << error.what());
  }
  FAIL("threw nothing");
  return {};
}

/// Whether `text` says `part`; the failed check shows both. `text` is looked at once: doctest would
/// do so again while it reports, and hang when that fails.
#define CHECK_SAYS(text, part)                                                 \
  do {                                                                         \
    const std::string checked_text = (text);                                   \
    CHECK_MESSAGE(checked_text.find(part) != std::string::npos, checked_text); \
  } while (false)
