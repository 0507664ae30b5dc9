#include "request/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <rankwire/errors.hpp>
#include <rankwire/nearest.hpp>
#include <rankwire/printable.hpp>
#include <string_view>

namespace comparison {
namespace {

bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::vector<std::string> with(std::vector<std::string> names,
                              const std::vector<std::string>& more) {
  names.insert(names.end(), more.begin(), more.end());
  return names;
}

/// Refuses a name that is none of `names`, and shows those of `shown`. CLI11 adds the option.
CLI::Validator one_of(std::vector<std::string> names, const std::vector<std::string>& shown) {
  return CLI::Validator{[names = std::move(names), shown](const std::string& name) -> std::string {
                          if (contains(names, name)) return {};
                          const std::string nearest = rankwire::nearest_name(name, shown);
                          return fmt::format(
                              "'{}' is not accepted: {} are{}", name, fmt::join(shown, ", "),
                              nearest.empty() ? "" : "; did you mean " + nearest + "?");
                        },
                        ""};
}

/// The name of a file. An empty one would count as none.
CLI::Validator not_empty() {
  return CLI::Validator{[](const std::string& name) -> std::string {
                          return name.empty() ? "an empty text is not accepted" : "";
                        },
                        ""};
}

void add_lengths(CLI::App& app, Options& options) {
  app.add_flag("--quick", options.quick, "about 20 s in all, and rough");
  app.add_flag("--thorough", options.thorough, "about 17 minutes in all");
  app.add_flag("--check", options.check,
               "measure what rankwire promises of its speed, a line each;\nexit code 1 when one "
               "falls short");
}

void add_named_options(CLI::App& app, Options& options) {
  app.add_option(
         "--over", options.over,
         "only these transports of this machine: inproc, mpi-shm,\nmpi-tcp, zmq-tcp, zmq-ipc")
      ->type_name("LIST")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(one_of(all_transports(), all_transports()));
  add_lengths(app, options);
  app.add_option("--json", options.json, "write the results here, too")
      ->type_name("FILE")
      ->check(not_empty());
  app.add_option("--report", options.report, "write a page with plots here, too; HTML")
      ->type_name("FILE")
      ->check(not_empty());
  app.add_option("--from", options.from,
                 "measure nothing: read the results of one or two earlier runs\n(--json), and show "
                 "two side by side")
      ->type_name("FILE")
      ->check(not_empty())
      ->expected(1, 2);
  app.add_option("--only", options.only)
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(one_of(with(with(all_measures(), check_measures()), {"nothing"}), all_measures()))
      ->group("");  // not in --help
  app.add_option("--hand-to", options.hand_to)->check(not_empty())->group("");
}

}  // namespace

Length Options::length() const {
  return check      ? Length::check
         : quick    ? Length::quick
         : thorough ? Length::thorough
                    : Length::usual;
}

bool Options::wants(const std::string& measure) const {
  if (!only.empty()) return contains(only, measure);
  return measures.empty() ? contains(all_measures(), measure) : contains(measures, measure);
}

bool Options::wants_transport(const std::string& transport) const {
  return over.empty() || contains(over, transport);
}

void add_options(CLI::App& app, Options& options) {
  const auto named = with(with(all_measures(), check_measures()), {"crowd"});
  app.add_option("measure", options.measures,
                 "only these; or crowd: what 10,000 workers cost the master (--quick: 1,000)")
      ->type_name("NAME")
      ->check(one_of(named, named));
  add_named_options(app, options);
}

namespace {

[[noreturn]] void refuse(const std::string& text) {
  throw rankwire::UsageError{text};
}

/// Before minutes are spent on what goes there.
void check_files(const Options& options) {
  for (const auto& [option, path] :
       {std::pair{"--json", options.json}, {"--report", options.report}}) {
    if (path.empty() || std::ofstream{path, std::ios::app}) continue;
    refuse(fmt::format("{}: the file '{}' cannot be written: {}", option,
                       rankwire::printable_path(path), std::strerror(errno)));
  }
}

}  // namespace

void check_options(const Options& options) {
  const bool writes = !options.json.empty() || !options.report.empty();
  const bool reads = !options.from.empty();
  const bool chooses = !options.measures.empty() || !options.over.empty();
  const int lengths = int{options.quick} + int{options.thorough} + int{options.check};
  if (lengths > 1) {
    refuse("--quick, --thorough and --check exclude each other: say one of them");
  }
  if (options.check && options.hand_to.empty() && (!options.measures.empty() || reads || writes)) {
    refuse(
        "--check measures what its bars need, and prints them: it goes with no measures, --from, "
        "--json and --report");
  }
  if (reads && (chooses || lengths > 0)) {
    refuse("--from measures nothing: leave out measures, --over, --quick and --thorough");
  }
  if (reads && !options.json.empty()) {
    refuse("--from reads what --json has written: leave one of them out");
  }
  if (contains(options.measures, "crowd") &&
      (options.measures.size() > 1 || !options.over.empty() || writes || options.thorough)) {
    refuse(
        "crowd prints a table of its own: it goes with no other measures, --over, --thorough, "
        "--json and --report");
  }
  check_files(options);
}

std::vector<std::string> other_arguments(int argc, char** argv) {
  CLI::App app;
  Options ignored;
  add_named_options(app, ignored);
  app.allow_extras();
  app.parse(argc, argv);
  return app.remaining();
}

bool names_a_world(int argc, char** argv) {
  constexpr std::array options{"--transport", "--ranks", "-n", "--listen", "--join"};
  constexpr std::array variables{"RANKWIRE_TRANSPORT", "RANKWIRE_RANKS", "RANKWIRE_LISTEN",
                                 "RANKWIRE_JOIN"};
  const auto says = [&](std::string_view argument) {
    const bool short_form = argument.starts_with("-n");  // -n4
    const auto name = argument.substr(0, short_form ? 2 : argument.find('='));
    return std::find(options.begin(), options.end(), name) != options.end();
  };
  const auto is_set = [](const char* variable) {
    const char* const value = std::getenv(variable);
    return value != nullptr && *value != '\0';
  };
  return std::any_of(argv + 1, argv + argc, says) ||
         std::any_of(variables.begin(), variables.end(), is_set);
}

}  // namespace comparison
