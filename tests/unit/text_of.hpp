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

/// Whether `text` says `part`; the failed check shows both.
#define CHECK_SAYS(text, part) CHECK_MESSAGE((text).find(part) != std::string::npos, (text))
