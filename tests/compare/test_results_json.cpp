#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <rankwire/errors.hpp>

#include "samples.hpp"

using namespace comparison;
using nlohmann::json;
using rankwire::UsageError;

namespace {

/// What from_json says of `text`; fails when it reads it.
std::string refusal(const std::string& text) {
  try {
    (void)from_json(text, "bad.json");
  } catch (const UsageError& error) {
    return error.what();
  }
  FAIL("was read: ", text.substr(0, 200));
  return {};
}

/// The sample, with one of its values replaced (or added, or removed where `value` is discarded).
std::string with(const std::string& place, const json& value) {
  json all = json::parse(sample_text("sample.json"));
  all[json::json_pointer{place}] = value;
  return all.dump();
}

std::string without(const std::string& parent, const std::string& name) {
  json all = json::parse(sample_text("sample.json"));
  REQUIRE(all[json::json_pointer{parent}].erase(name) == 1);
  return all.dump();
}

#define CHECK_REFUSED(text, part)                                          \
  do {                                                                     \
    const std::string said = refusal(text);                                \
    CHECK_MESSAGE(said.find(part) != std::string::npos, said);             \
    CHECK_MESSAGE(said.find("'bad.json'") != std::string::npos, said);     \
    CHECK_MESSAGE(said.find("compare --json") != std::string::npos, said); \
  } while (false)

}  // namespace

TEST_CASE("JSON of results: the sample of version 1 is read, every field of it") {
  const Results run = sample("sample.json");
  CHECK(run.made == "2025-11-03T14:05:09Z");
  CHECK(run.version == "0.4.0");
  CHECK(run.command == "compare --json sample.json --report sample.html");
  CHECK(run.machine.host == "node1");
  CHECK(run.machine.cpu == "AMD EPYC 7763 64-Core Processor");
  CHECK(run.machine.system == "Linux 6.1.0-18-amd64, Debian GNU/Linux 12 (bookworm)");
  CHECK(run.machine.cores == 2);
  CHECK(run.machine.memory_bytes == 8323207168);
  CHECK(run.machine.load == 0.21);
  CHECK(run.hosts == std::vector<std::string>{"node1"});
  REQUIRE(run.libraries.size() == 3);
  CHECK(run.libraries[1].name == "zmq");
  CHECK(run.libraries[1].text == "libzmq 4.3.4");
  REQUIRE(run.settings.size() == 2);
  CHECK(run.settings[0].text == "default");
  REQUIRE(run.left_out.size() == 1);
  REQUIRE(run.figures.size() == 90);
  const Figure& figure = run.figures[5];
  CHECK(figure.measure == "latency");
  CHECK(figure.transport == "mpi-shm");
  CHECK(figure.unit == "s");
  CHECK(figure.lower_is_better);
  CHECK(figure.bytes == 8);
  CHECK(figure.ranks == 2);
  CHECK(figure.rankwire.p50 == 2.4145e-07);
  CHECK(figure.rankwire.samples == 40);
  REQUIRE(figure.beside.size() == 2);
  CHECK(figure.beside[1].kind == "boost");
  CHECK(figure.beside[1].name == "Boost.MPI, vector");
  CHECK(figure.beside[0].ratio.median == 1.18);
  CHECK(figure.beside[0].ratio.pairs == 9);
}

TEST_CASE("JSON of results: what is read is what was written, to the last bit") {
  Results run = sample("sample.json");
  run.command = "compare --json 'a \"b\".json' \\ \n\t\x01 \xc3\xa9";
  run.machine.memory_bytes = std::numeric_limits<std::uint64_t>::max();
  auto& summary = run.figures.front().rankwire;
  summary.p50 = 0.1 + 0.2;
  summary.min = std::numeric_limits<double>::denorm_min();
  summary.max = std::numeric_limits<double>::max();
  summary.p99 = std::nextafter(1.0, 2.0);
  const std::string text = to_json(run);
  const Results again = from_json(text, "again.json");
  CHECK(again.command == run.command);
  CHECK(again.machine.memory_bytes == run.machine.memory_bytes);
  CHECK(again.figures.front().rankwire.p50 == summary.p50);
  CHECK(again.figures.front().rankwire.min == summary.min);
  CHECK(again.figures.front().rankwire.max == summary.max);
  CHECK(again.figures.front().rankwire.p99 == summary.p99);
  CHECK(to_json(again) == text);
  CHECK(to_json(from_json(to_json({}), "empty.json")) == to_json({}));
}

TEST_CASE("JSON of results: text that is no UTF-8 is written all the same") {
  Results run;
  run.machine.host = "node\xff";
  CHECK(from_json(to_json(run), "file").machine.host == "node\xef\xbf\xbd");
}

TEST_CASE("JSON of results: a number that is none is an error of the writer") {
  Results run = sample("sample.json");
  run.figures[3].rankwire.max = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS((void)to_json(run), rankwire::Error);
}

TEST_CASE("JSON of results: fields of a later program are passed over") {
  CHECK(from_json(with("/moon", "full"), "file").figures.size() == 90);
  CHECK(from_json(with("/figures/0/rankwire/p999", 1), "file").figures.size() == 90);
}

TEST_CASE("JSON of results: a damaged file is refused") {
  const std::string whole = sample_text("sample.json");
  CHECK_REFUSED("", "parse error");
  CHECK_REFUSED("\xff\xfe", "parse error");
  CHECK_REFUSED("[1,", "parse error");
  CHECK_REFUSED(whole + "}", "parse error");
  CHECK_REFUSED(std::string(200000, '['), "parse error");
  CHECK_REFUSED("[" + std::string(std::size_t{17} << 20, ' ') + "]", "bytes, more than");
  for (std::size_t length = 0; length < whole.size() - 1; length += 97) {
    (void)refusal(whole.substr(0, length));
  }
}

TEST_CASE("JSON of results: another format or version is refused") {
  CHECK_REFUSED("null", "is null, not an object");
  CHECK_REFUSED("{}", "has no 'format'");
  CHECK_REFUSED(with("/format", "coverage"), "its format is 'coverage', not 'rankwire-compare'");
  CHECK_REFUSED(with("/format_version", 2),
                "its format_version is 2, this program reads 1; a newer rankwire reads it");
  CHECK_REFUSED(with("/format_version", 0), "its format_version is 0, this program reads 1;");
  CHECK_REFUSED(with("/format_version", "1"), "format_version is not a whole number");
}

TEST_CASE("JSON of results: a wrong value is refused by its place") {
  CHECK_REFUSED(with("/figures", 7), "figures is not a list but number");
  CHECK_REFUSED(with("/figures/3", 7), "figures[3] is number, not an object");
  CHECK_REFUSED(with("/figures/3/measure", 7), "figures[3].measure is not text but number");
  CHECK_REFUSED(with("/figures/3/rankwire/p50", nullptr),
                "figures[3].rankwire.p50 is not a number but null");
  CHECK_REFUSED(with("/figures/3/rankwire/p50", -1), "figures[3].rankwire.p50 is -1");
  CHECK_REFUSED(with("/figures/3/rankwire/samples", 1.5), "figures[3].rankwire.samples is not");
  CHECK_REFUSED(with("/figures/3/ranks", 5000000000), "figures[3].ranks is 5000000000: too large");
  CHECK_REFUSED(with("/figures/3/bytes", -8), "figures[3].bytes is not a whole number");
  CHECK_REFUSED(with("/figures/3/lower_is_better", 1),
                "figures[3].lower_is_better is not true or false");
  CHECK_REFUSED(with("/figures/3/beside/0/ratio/median", "1.0"),
                "figures[3].beside[0].ratio.median is not a number but string");
  CHECK_REFUSED(with("/hosts/0", json::object()), "hosts[0] is not text but object");
  CHECK_REFUSED(with("/machine", json::array()), "machine is array, not an object");
  CHECK_REFUSED(with("/libraries/0/text", nullptr), "libraries[0].text is not text but null");
  CHECK_REFUSED(without("/machine", "cores"), "machine has no 'cores'");
  CHECK_REFUSED(without("/figures/3/rankwire", "p99"), "figures[3].rankwire has no 'p99'");
  std::string huge = with("/machine/load", "HERE");
  huge.replace(huge.find("\"HERE\""), 6, "1e999");
  CHECK_REFUSED(huge, "number overflow");
}
