#pragma once

#include <doctest/doctest.h>

#include <string>

#include "../support/folder.hpp"
#include "results/json.hpp"

/// A file of this folder (SAMPLES), made by hand: figures that a machine could have.
inline std::string sample_text(const std::string& name) {
  std::string text = content_of(SAMPLES "/" + name);
  REQUIRE_MESSAGE(!text.empty(), SAMPLES "/", name, " is missing");
  return text;
}

inline comparison::Results sample(const std::string& name) {
  return comparison::from_json(sample_text(name), name);
}
