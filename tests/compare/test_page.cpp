#include <cstdio>

#include "browser.hpp"
#include "report/page.hpp"
#include "samples.hpp"

// The page as a browser shows it.

using namespace comparison;
using nlohmann::json;

namespace {

std::string page_of(const std::vector<Results>& runs, const std::vector<std::string>& names) {
  const Folder folder;
  write_report(runs, names, folder / "page.html");
  return content_of(folder / "page.html");
}

const std::string& page_of_one() {
  static const std::string page = page_of({sample("sample.json")}, {""});
  return page;
}

/// The sum of red, green and blue of "rgb(1, 2, 3)": 0 is black, 765 white.
int brightness(const std::string& color) {
  int red = -1, green = -1, blue = -1;
  REQUIRE_MESSAGE(std::sscanf(color.c_str(), "rgb(%d, %d, %d", &red, &green, &blue) == 3, color);
  return red + green + blue;
}

/// What holds for every page and every view of it.
void check_sound(const json& found) {
  CHECK(found["errors"].dump() == "[]");
  CHECK(found["console"].get<std::string>().empty());
  CHECK(found["doubled_ids"].dump() == "[]");
  CHECK(found["dangling"].dump() == "[]");
  CHECK(found["outside"].dump() == "[]");
  CHECK(found["scroll_width"] <= found["width"]);
  for (const auto& item : found["figures"].items()) {
    CAPTURE(item.key());
    const auto& figure = item.value();
    CHECK(figure["label"].get<std::string>().size() > 20);
    CHECK(figure["rows"] > 0);
    CHECK(figure["size"]["width"] > 200);
    CHECK(figure["size"]["height"] > 150);
    CHECK(figure["texts"]["names"].size() > 5);
    CHECK(figure["texts"]["cut"].dump() == "[]");
    CHECK(figure["texts"]["overlapping"].dump() == "[]");
    CHECK_FALSE(figure["curves"].empty());
    for (const auto& curve : figure["curves"]) {
      CAPTURE(curve.dump());
      CHECK(curve["drawn"] == true);
      CHECK(curve["within"] == true);
    }
  }
}

const std::vector<std::string> transports{"inproc", "mpi-shm", "mpi-tcp", "zmq-tcp", "zmq-ipc"};

/// Checks that the figure has a curve of each transport and column, with so many marks or bars, and
/// nothing else.
void check_curves(const json& figure, const std::vector<std::string>& columns, const char* kind,
                  int points) {
  json expected = json::object(), is = json::object();
  for (const auto& transport : transports) {
    for (const auto& column : columns) expected[transport + ", " + column] = points;
  }
  for (const auto& curve : figure["curves"]) is[curve["name"].get<std::string>()] = curve[kind];
  CHECK(is.dump() == expected.dump());
}

}  // namespace

TEST_CASE("page: each plot is there, with all its curves") {
  const json found = look_at(page_of_one(), {});
  check_sound(found);
  const std::vector<std::string> ours{"rankwire"}, both{"rankwire", "bare library"};
  const auto& figures = found["figures"];
  CHECK(figures.size() == 6);
  check_curves(figures["plot-latency"], both, "marks", 5);
  check_curves(figures["plot-bandwidth"], both, "marks", 4);
  check_curves(figures["plot-fan-in"], both, "marks", 3);
  check_curves(figures["plot-ratio"], ours, "bars", 5);
  check_curves(figures["plot-ratio-bandwidth"], ours, "bars", 4);
  check_curves(figures["plot-rate"], both, "bars", 1);
  CHECK(figures["plot-latency"]["legend"].dump() ==
        R"(["inproc","mpi-shm","mpi-tcp","zmq-tcp","zmq-ipc","rankwire","bare library"])");
  CHECK(found["answer"].size() == 8);
}

TEST_CASE("page: light") {
  const json found = look_at(page_of_one(), {});
  CHECK(brightness(found["background"]) > 700);
  CHECK(brightness(found["color"]) < 200);
  for (const auto& figure : found["figures"]) CHECK(brightness(figure["texts"]["color"]) < 200);
}

TEST_CASE("page: dark, the plots' text too") {
  const json found = look_at(page_of_one(), {1200, true});
  check_sound(found);
  CHECK(brightness(found["background"]) < 120);
  CHECK(brightness(found["color"]) > 600);
  for (const auto& figure : found["figures"]) CHECK(brightness(figure["texts"]["color"]) > 600);
}

TEST_CASE("page: on a phone nothing is wider than the screen") {
  const json found = look_at(page_of_one(), {360, false});
  CHECK(found["width"] == 360);
  check_sound(found);
}

TEST_CASE("page: two runs") {
  const json found = look_at(page_of({sample("sample_before.json"), sample("sample.json")},
                                     {"before.json", "after & <b>.json"}),
                             {360, false});
  check_sound(found);
  const auto& latency = found["figures"]["plot-latency"];
  CHECK(latency["curves"].size() == 9);  // before knows no zmq-ipc
  CHECK(latency["curves"][1]["name"] == "inproc, after & <b>.json");
  CHECK(found["figures"]["plot-ratio"]["curves"].size() == 4);
}

TEST_CASE("page: sizes and counts as a thorough run has them") {
  Results run = sample("sample.json");
  const auto figures = run.figures;
  for (const auto& figure : figures) {
    if (figure.measure != "latency" && figure.measure != "bandwidth") continue;
    run.figures.push_back(figure);
    run.figures.back().bytes = figure.bytes * 4;
  }
  const json found = look_at(page_of({run}, {""}), {360, false});
  check_sound(found);
  CHECK(found["figures"]["plot-ratio"]["curves"][0]["bars"] == 10);
}

TEST_CASE("page: the numbers above bars that are cut do not lie on each other") {
  Results run = sample("sample.json");
  for (auto& figure : run.figures) {
    if (figure.measure != "latency") continue;
    figure.beside[0].ratio.median *= 400;
    if (figure.transport == "zmq-ipc") figure.beside[0].ratio.median = 3;
  }
  for (const int width : {360, 1200}) {
    const json found = look_at(page_of({run}, {""}), {width, false});
    check_sound(found);
    const auto names = found["figures"]["plot-ratio"]["texts"]["names"].dump();
    CHECK_MESSAGE(names.find("\"472\"") != std::string::npos, names);
  }
}

TEST_CASE("page: text from elsewhere stays text") {
  Results run = sample("sample.json");
  const std::string script = "<script>window.hacked = 1</script>\"'&<img src=x onerror=hacked=2>";
  run.machine.host = run.machine.cpu = run.command = run.version = script;
  run.left_out.push_back({script, script});
  run.libraries.push_back({script, script});
  for (auto& figure : run.figures) {
    if (figure.transport == "zmq-ipc") figure.transport = script;
    if (figure.transport == "zmq-tcp" && !figure.beside.empty()) figure.beside[0].name = script;
    if (figure.measure == "wake") figure.measure = script;
  }
  const json found = look_at(page_of({run}, {""}), {});
  CHECK(found["hacked"] == "");
  CHECK(found["errors"].dump() == "[]");
  CHECK(found["outside"].dump() == "[]");
  CHECK(found["figures"].size() == 6);
  CHECK(found["figures"]["plot-latency"]["curves"][8]["name"] == script + ", rankwire");
}

int main(int argc, char** argv) {
  if (!has_browser()) {
    std::puts("skipped: there is no chromium in PATH (Debian package chromium)");
    return 77;
  }
  return doctest::Context{argc, argv}.run();
}
