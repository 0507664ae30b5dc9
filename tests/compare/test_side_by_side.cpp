#include <algorithm>
#include <rankwire/errors.hpp>
#include <sstream>

#include "results/side_by_side.hpp"
#include "samples.hpp"

using namespace comparison;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream{text};
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The line that starts with `start`, its runs of spaces as one.
std::string line_of(const std::string& text, const std::string& start) {
  for (auto line : lines_of(text)) {
    if (!line.starts_with(start)) continue;
    line.erase(
        std::unique(line.begin(), line.end(), [](char a, char b) { return a == ' ' && b == ' '; }),
        line.end());
    return line;
  }
  return {};
}

std::size_t characters(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80;
  }));
}

std::string both() {
  return side_by_side({sample("sample_before.json"), sample("sample.json")},
                      {"before.json", "after.json"});
}

}  // namespace

TEST_CASE("two runs side by side: figure by figure, with the ratio") {
  const std::string text = both();
  CHECK(line_of(text, "a: ") == "a: before.json (2025-10-20T09:30:00Z, node1, rankwire 0.3.0)");
  CHECK(line_of(text, "b: ") == "b: after.json (2025-11-03T14:05:09Z, node1, rankwire 0.4.0)");
  CHECK(line_of(text, "zmq-tcp latency, 8 B") ==
        "zmq-tcp latency, 8 B 23.6 us 17.5 us 0.74 better");
  CHECK(line_of(text, "mpi-tcp latency, 8 B") == "mpi-tcp latency, 8 B 7.82 us 9.20 us 1.18 worse");
  // Higher is better.
  CHECK(line_of(text, "zmq-tcp rate") == "zmq-tcp rate, 64 B 1.84 M/s 4.60 M/s 2.50 better");
  CHECK(line_of(text, "mpi-shm rate") == "mpi-shm rate, 64 B 4.10 M/s 4.10 M/s 1.00 alike");
  CHECK(line_of(text, "zmq-tcp fan-in, 4") ==
        "zmq-tcp fan-in, 4 workers, 64 B 2.21 M/s 5.52 M/s 2.50 better");
  CHECK(line_of(text, "mpi-shm idle") ==
        "mpi-shm idle, 4 ranks 0.61 % of a core 0.61 % of a core 1.00 alike");
}

TEST_CASE("two runs side by side: what only one has") {
  CHECK(line_of(both(), "zmq-ipc latency, 8 B") == "zmq-ipc latency, 8 B - 13.1 us - only b");
  const std::string turned = side_by_side({sample("sample.json"), sample("sample_before.json")},
                                          {"after.json", "before.json"});
  CHECK(line_of(turned, "zmq-ipc latency, 8 B") == "zmq-ipc latency, 8 B 13.1 us - - only a");
}

TEST_CASE("two runs side by side: every figure once") {
  const Results run = sample("sample.json");
  const std::string text = side_by_side({run, run}, {"a", "b"});
  CHECK(std::count(text.begin(), text.end(), '\n') == static_cast<long>(run.figures.size()) + 6);
  CHECK(text.find("they differ") == std::string::npos);
  CHECK(text.find("better") == std::string::npos);
}

TEST_CASE("two runs side by side: what may be why they differ") {
  Results other = sample("sample.json");
  other.machine.cores = 64;
  other.libraries.pop_back();
  other.settings[0].text = "quick";
  const std::string text = side_by_side({sample("sample.json"), other}, {"a", "b"});
  CHECK(text.find("they differ: cores: 2 and 64\n") != std::string::npos);
  CHECK(text.find("they differ: boost: Boost 1.74 and none\n") != std::string::npos);
  CHECK(text.find("they differ: length: default and quick\n") != std::string::npos);
  CHECK(text.find("they differ: cpu") == std::string::npos);
}

TEST_CASE("two runs side by side: 100 columns, whatever the names") {
  Results run = sample("sample.json");
  run.figures[0].transport = std::string(60, 'x') + "\xc3\xa9\xc3\xa9\xc3\xa9";
  for (int i = 0; i < 200; ++i) run.machine.host += "\xc3\xa9";
  Results other = run;
  other.machine.host += "y";
  const std::string text = side_by_side({run, other}, {std::string(150, 'n'), "b"});
  for (const auto& line : lines_of(text)) CHECK_MESSAGE(characters(line) <= 100, line);
}

TEST_CASE("two runs side by side: two, neither more nor less") {
  CHECK_THROWS_AS((void)side_by_side({sample("sample.json")}, {"a"}), rankwire::UsageError);
  CHECK_THROWS_AS((void)side_by_side({{}, {}, {}}, {"a", "b", "c"}), rankwire::UsageError);
}
