#include "browser.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "../support/folder.hpp"
#include "../support/process.hpp"

// The window of a headless Chromium is never narrower than 500 pixels, so the page stands in a
// frame of the width that is wanted, and tells the page around it what the probe has found.

namespace {

constexpr auto outer_page = R"html(<!DOCTYPE html>
<body style="margin:0">
<script>
addEventListener("message", event => {{
  const found = document.createElement("pre");
  found.id = "found";
  found.textContent = event.data;
  document.body.append(found);
}});
</script>
<iframe src="page.html" style="border:0; width:{}px; height:2000px"></iframe>
</body>
)html";

/// The page with what listens for errors at its start, and the probe at its end.
std::string probed(std::string page) {
  const auto head = page.find("<head>");
  const auto end = page.rfind("</body>");
  if (head == std::string::npos || end == std::string::npos) {
    throw std::runtime_error{"the page has no head or no end"};
  }
  page.insert(end, "<script>" + content_of(SAMPLES "/probe.js") + "</script>");
  page.insert(head + 6,
              "<script>window.errors = []; addEventListener('error', event => "
              "errors.push(String(event.message)), true);</script>");
  return page;
}

/// What a page's scripts and resources complained about, among what Chromium says of itself.
std::string console_lines(const std::string& log) {
  std::istringstream stream{log};
  std::string lines;
  for (std::string line; std::getline(stream, line);) {
    if (line.find("CONSOLE") != std::string::npos) lines += line + "\n";
  }
  return lines;
}

}  // namespace

bool has_browser() {
  const char* path = std::getenv("PATH");
  std::istringstream folders{path == nullptr ? "" : path};
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (std::filesystem::exists(folder + "/chromium")) return true;
  }
  return false;
}

nlohmann::json look_at(const std::string& page, const View& view) {
  const Folder folder;
  (void)folder.write("page.html", probed(page));
  const std::string outer = folder.write("outer.html", fmt::format(outer_page, view.width_pixels));
  const auto result = support::run(
      {{"/usr/bin/env", "chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
        "--disable-dev-shm-usage", "--disable-extensions", "--no-first-run",
        "--enable-logging=stderr", "--user-data-dir=" + folder / "profile",
        fmt::format("--blink-settings=preferredColorScheme={}", view.dark ? 0 : 1),
        "--window-size=1300,2000", "--virtual-time-budget=5000", "--dump-dom", "file://" + outer}});
  const std::string begin = "<pre id=\"found\">";
  const auto at = result.out.find(begin);
  const auto end = result.out.find("</pre>", at);
  if (result.code != 0 || at == std::string::npos || end == std::string::npos) {
    throw std::runtime_error{fmt::format("the probe has said nothing; exit code {}\n{}\n{}",
                                         result.code, result.out, result.err)};
  }
  const auto text = result.out.substr(at + begin.size(), end - at - begin.size());
  auto found = nlohmann::json::parse(text);
  found["console"] = console_lines(result.err);
  return found;
}
