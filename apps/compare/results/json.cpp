#include "results/json.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <rankwire/errors.hpp>
#include <rankwire/printable.hpp>

namespace comparison {
namespace {

using nlohmann::json;
using Ordered = nlohmann::ordered_json;  // written in the order that a reader expects

constexpr auto format_name = "rankwire-compare";
constexpr std::uint64_t format_version = 1;

Ordered json_of(double number) {
  if (std::isfinite(number)) return number;
  throw rankwire::Error{
      fmt::format("the results cannot be written as JSON: {} among the figures, "
                  "which is an error of the program",
                  number)};
}

Ordered json_of(const Summary& summary) {
  return {{"p50", json_of(summary.p50)},
          {"p99", json_of(summary.p99)},
          {"min", json_of(summary.min)},
          {"max", json_of(summary.max)},
          {"samples", summary.samples}};
}

Ordered json_of(const Beside& beside) {
  return {{"kind", beside.kind},
          {"name", beside.name},
          {"summary", json_of(beside.summary)},
          {"ratio",
           {{"median", json_of(beside.ratio.median)},
            {"min", json_of(beside.ratio.min)},
            {"max", json_of(beside.ratio.max)},
            {"pairs", beside.ratio.pairs}}}};
}

Ordered json_of(const Named& named) {
  return {{"name", named.name}, {"text", named.text}};
}

Ordered json_of(const Figure& figure);

template <class Item>
Ordered json_of(const std::vector<Item>& items) {
  Ordered all = Ordered::array();
  for (const auto& item : items) all.push_back(json_of(item));
  return all;
}

Ordered json_of(const Figure& figure) {
  return {{"measure", figure.measure},
          {"transport", figure.transport},
          {"unit", figure.unit},
          {"lower_is_better", figure.lower_is_better},
          {"bytes", figure.bytes},
          {"ranks", figure.ranks},
          {"rankwire", json_of(figure.rankwire)},
          {"beside", json_of(figure.beside)}};
}

/// A value of the file with its place in it, for the error when it is not what it should be.
class Reader {
 public:
  Reader(const json& value, std::string place, const std::string& file_name)
      : value_{value}, place_{std::move(place)}, file_name_{file_name} {}

  [[noreturn]] void refuse(const std::string& why) const {
    throw rankwire::UsageError{
        fmt::format("'{}' is no results of compare that can be read: {}{}; make it anew by "
                    "compare --json",
                    rankwire::printable_path(file_name_), place_.empty() ? "" : place_ + " ",
                    rankwire::printable(why))};
  }

  [[nodiscard]] Reader member(const char* name) const {
    if (!value_.is_object()) refuse(fmt::format("is {}, not an object", value_.type_name()));
    const auto found = value_.find(name);
    const std::string place = place_.empty() ? name : place_ + "." + name;
    if (found == value_.end()) refuse(fmt::format("has no '{}'", name));
    return {*found, place, file_name_};
  }

  [[nodiscard]] std::string text() const {
    if (!value_.is_string()) refuse_type("text");
    return value_.get<std::string>();
  }
  [[nodiscard]] bool truth() const {
    if (!value_.is_boolean()) refuse_type("true or false");
    return value_.get<bool>();
  }
  /// Neither negative nor, which JSON cannot say, infinite.
  [[nodiscard]] double number() const {
    if (!value_.is_number()) refuse_type("a number");
    const auto number = value_.get<double>();
    if (!(number >= 0)) refuse(fmt::format("is {}; none is negative", number));
    return number;
  }
  [[nodiscard]] std::uint64_t count() const {
    if (!value_.is_number_unsigned()) refuse_type("a whole number, 0 or more,");
    return value_.get<std::uint64_t>();
  }
  [[nodiscard]] int small_count() const {
    const std::uint64_t number = count();
    if (number > std::numeric_limits<int>::max()) refuse(fmt::format("is {}: too large", number));
    return static_cast<int>(number);
  }
  template <class Item>
  [[nodiscard]] std::vector<Item> list(Item (*item_of)(const Reader&)) const {
    if (!value_.is_array()) refuse_type("a list");
    std::vector<Item> all;
    for (const auto& item : value_) {
      all.push_back(item_of({item, fmt::format("{}[{}]", place_, all.size()), file_name_}));
    }
    return all;
  }

 private:
  [[noreturn]] void refuse_type(const std::string& expected) const {
    refuse(fmt::format("is not {} but {}", expected, value_.type_name()));
  }

  const json& value_;
  std::string place_;
  const std::string& file_name_;
};

std::string text_of(const Reader& reader) {
  return reader.text();
}

Named named_of(const Reader& reader) {
  return {reader.member("name").text(), reader.member("text").text()};
}

Summary summary_of(const Reader& reader) {
  return {reader.member("p50").number(), reader.member("p99").number(),
          reader.member("min").number(), reader.member("max").number(),
          reader.member("samples").count()};
}

Beside beside_of(const Reader& reader) {
  const Reader ratio = reader.member("ratio");
  return {reader.member("kind").text(),
          reader.member("name").text(),
          summary_of(reader.member("summary")),
          {ratio.member("median").number(), ratio.member("min").number(),
           ratio.member("max").number(), ratio.member("pairs").count()}};
}

Figure figure_of(const Reader& reader) {
  return {reader.member("measure").text(),       reader.member("transport").text(),
          reader.member("unit").text(),          reader.member("lower_is_better").truth(),
          reader.member("bytes").count(),        reader.member("ranks").small_count(),
          summary_of(reader.member("rankwire")), reader.member("beside").list(beside_of)};
}

Machine machine_of(const Reader& reader) {
  return {reader.member("host").text(),          reader.member("cpu").text(),
          reader.member("system").text(),        reader.member("cores").small_count(),
          reader.member("memory_bytes").count(), reader.member("load").number()};
}

Results results_of(const Reader& reader) {
  if (const auto format = reader.member("format").text(); format != format_name) {
    reader.refuse(fmt::format("its format is '{}', not '{}'", format, format_name));
  }
  if (const auto version = reader.member("format_version").count(); version != format_version) {
    reader.refuse(fmt::format("its format_version is {}, this program reads {}{}", version,
                              format_version,
                              version > format_version ? "; a newer rankwire reads it" : ""));
  }
  return {reader.member("made").text(),
          reader.member("version").text(),
          reader.member("command").text(),
          machine_of(reader.member("machine")),
          reader.member("hosts").list(text_of),
          reader.member("libraries").list(named_of),
          reader.member("settings").list(named_of),
          reader.member("left_out").list(named_of),
          reader.member("figures").list(figure_of)};
}

}  // namespace

std::string to_json(const Results& results) {
  const auto& machine = results.machine;
  const Ordered all{{"format", format_name},
                    {"format_version", format_version},
                    {"made", results.made},
                    {"version", results.version},
                    {"command", results.command},
                    {"machine",
                     {{"host", machine.host},
                      {"cpu", machine.cpu},
                      {"system", machine.system},
                      {"cores", machine.cores},
                      {"memory_bytes", machine.memory_bytes},
                      {"load", json_of(machine.load)}}},
                    {"hosts", Ordered(results.hosts)},
                    {"libraries", json_of(results.libraries)},
                    {"settings", json_of(results.settings)},
                    {"left_out", json_of(results.left_out)},
                    {"figures", json_of(results.figures)}};
  return all.dump(1, ' ', false, Ordered::error_handler_t::replace) + "\n";
}

Results from_json(const std::string& text, const std::string& file_name) {
  const json nothing;
  const Reader damaged{nothing, "", file_name};
  if (text.size() > results_bytes_max) {
    damaged.refuse(fmt::format("it has {} bytes, more than {}", text.size(), results_bytes_max));
  }
  json parsed;
  try {
    parsed = json::parse(text);
  } catch (const json::exception& error) {
    // Its text starts with a code in brackets, for programs.
    const std::string what = error.what();
    const auto words = what.find("] ");
    damaged.refuse(words == std::string::npos ? what : what.substr(words + 2));
  }
  return results_of({parsed, "", file_name});
}

}  // namespace comparison
