#pragma once

#include <nlohmann/json.hpp>
#include <string>

/// Whether there is a Chromium in PATH.
[[nodiscard]] bool has_browser();

struct View {
  int width_pixels = 1200;
  bool dark = false;
};

/// Loads the page in headless Chromium and gives what probe.js has found there; its key "console"
/// has what Chromium wrote about the page. Throws std::runtime_error when that does not end in
/// time.
[[nodiscard]] nlohmann::json look_at(const std::string& page, const View& view);
