#include "start/configuration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "rankwire/errors.hpp"
#include "rankwire/nearest.hpp"
#include "rankwire/plain_words.hpp"
#include "rankwire/printable.hpp"
#include "rankwire/units.hpp"
#include "start/options.hpp"

namespace rankwire {
namespace {

constexpr const char* footer =
    R"(Each option can also be said as a variable, RANKWIRE_ and its name in upper case
with _ for - (--join-timeout 5s is RANKWIRE_JOIN_TIMEOUT=5s), and as a key of the
file of --config (join-timeout = "5s"). Authority: command line, variable, file,
default. A DURATION has a unit (500us, 10ms, 10s, 2min, 1h), BYTES may (64KiB, 64MiB).

Exit codes: 0 done, 1 failure, 2 wrong usage, 3 a rank was lost or left too early,
4 a wait reached its deadline, 5 another rank ended the world, 128+N signal N.
Results go to stdout, everything else to stderr.)";

constexpr std::string_view variable_prefix = "RANKWIRE_";

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

/// The variable of an option: "RANKWIRE_JOIN_TIMEOUT" for "join-timeout".
std::string variable_of(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    if (c == '-') return '_';
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return std::string{variable_prefix} + name;
}

[[noreturn]] void refuse_unknown(const std::string& what, const std::string& nearest) {
  throw UsageError{fmt::format("unknown {}; {}", what,
                               nearest.empty() ? "--help names all that there are"
                                               : fmt::format("did you mean {}?", nearest))};
}

/// Reads the configuration once. Each source sets only what no earlier one has set.
class Reader {
 public:
  Reader(const Start& start, const Program& program);
  std::variant<Configuration, Answer> read();

 private:
  std::optional<Answer> read_command_line();
  void read_environment();
  void take_unknown_variable(const std::string& variable);
  void read_file(const std::string& path);
  void check_flags() const;
  void refuse_unknown_arguments();
  void set(const std::string& name, const std::string& value, const Source& source);
  void check_required() const;
  [[nodiscard]] std::string nearest_option(const std::string& name,
                                           std::vector<std::string> names = {}) const;

  const Start& start_;
  Settings settings_;
  std::string file_;
  CLI::App app_;
  std::map<std::string, CLI::Option*> options_;  // by name, as the command line has it
  Sources sources_;
  std::vector<const CLI::Option*> required_;
  std::vector<std::string> ignored_variables_;
};

Reader::Reader(const Start& start, const Program& program)
    : start_{start}, app_{program.description, base_name(start.arguments.at(0))} {
  settings_.takes_arrivals = program.takes_arrivals;
  app_.set_help_flag("-h,--help", "say this and end");
  app_.set_version_flag("--version",
                        fmt::format("{} (rankwire {})", app_.get_name(), RANKWIRE_VERSION),
                        "say the version and end");
  if (program.options) program.options(app_);
  add_library_options(app_, settings_, start_.backends);
  app_.add_option("--config", file_, "read a TOML file")
      ->type_name("FILE")
      ->check(CLI::Validator{[](const std::string& text) -> std::string {
                               return text.empty() ? "an empty text is not accepted" : "";
                             },
                             ""});
  app_.footer(footer);
  app_.get_formatter()->column_width(30);
  app_.allow_extras();
  for (const char* const name : {"--help", "--version"}) app_.get_option(name)->configurable(false);
  for (CLI::Option* const option : app_.get_options()) {
    if (!option->get_configurable() || option->get_lnames().empty()) continue;
    options_[option->get_lnames().front()] = option;
    // CLI11 would look for a required option on the command line alone. So this class checks it.
    if (option->get_required()) required_.push_back(option->required(false));
  }
}

std::variant<Configuration, Answer> Reader::read() {
  if (auto answer = read_command_line()) return std::move(*answer);
  read_environment();
  if (!file_.empty()) read_file(file_);
  check_required();
  choose_transport(settings_, sources_, start_);
  return Configuration{settings_, ignored_variables_};
}

std::optional<Answer> Reader::read_command_line() {
  check_flags();
  std::vector<std::string> reversed{start_.arguments.rbegin(), start_.arguments.rend() - 1};
  try {
    app_.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return Answer{app_.help()};
  } catch (const CLI::CallForVersion& version) {
    return Answer{std::string{version.what()} + "\n"};
  } catch (const CLI::ParseError& error) {
    throw UsageError{fmt::format("command line: {}", plain_words(error))};
  }
  refuse_unknown_arguments();
  for (const auto& [name, option] : options_) {
    if (option->count() > 0) sources_[name] = {Source::Kind::command_line, "command line"};
  }
  return std::nullopt;
}

/// CLI11 takes --insecure= for --insecure, and more texts than a variable or a key may have. A user
/// who wrote --insecure=$EMPTY did not mean that.
void Reader::check_flags() const {
  for (const std::string& argument : start_.arguments) {
    const std::size_t equals = argument.find('=');
    if (!argument.starts_with("--") || equals == std::string::npos) continue;
    const std::string name = argument.substr(2, equals - 2);
    const auto option = options_.find(name);
    if (option == options_.end() || option->second->get_items_expected_max() > 0) continue;
    try {
      (void)parse_flag(argument.substr(equals + 1));
    } catch (const UsageError& error) {
      throw UsageError{
          fmt::format("command line: --{0}: {1}; --{0} alone says true", name, error.what())};
    }
  }
}

void Reader::refuse_unknown_arguments() {
  const auto extras = app_.remaining();
  if (extras.empty()) return;
  const std::string name = extras.front().substr(0, extras.front().find('='));
  if (!name.starts_with('-')) {
    throw UsageError{
        fmt::format("command line: nothing is known about the argument '{}'; --help "
                    "says what is accepted",
                    printable(extras.front()))};
  }
  const std::string bare = name.substr(std::min(name.find_first_not_of('-'), name.size()));
  std::string nearest = nearest_option(bare, {"help", "version"});
  if (!nearest.empty()) nearest = "--" + nearest;
  if (bare == "np") nearest = "-n";  // of those who are used to mpiexec
  refuse_unknown(fmt::format("option {} on the command line", printable(name)), nearest);
}

void Reader::read_environment() {
  for (const std::string& entry : start_.environment) {
    if (!entry.starts_with(variable_prefix)) continue;
    const std::size_t equals = std::min(entry.find('='), entry.size());
    const std::string variable = entry.substr(0, equals);
    const std::string value = equals < entry.size() ? entry.substr(equals + 1) : std::string{};
    // An empty variable gives no value: a compose file or a script may have a place for it.
    if (value.empty() || variable == launch_size_variable) continue;
    const auto option = std::find_if(options_.begin(), options_.end(), [&](const auto& candidate) {
      return variable_of(candidate.first) == variable;
    });
    if (option == options_.end()) {
      take_unknown_variable(variable);
    } else {
      set(option->first, value, {Source::Kind::environment, "variable " + variable});
    }
  }
}

/// Refuses a variable whose name resembles an option's: it is a slip of the finger. Any other is
/// somebody else's, such as RANKWIRE_PORT, which Kubernetes sets if a service is called rankwire.
void Reader::take_unknown_variable(const std::string& variable) {
  std::vector<std::string> known;
  for (const auto& [name, option] : options_) {
    known.push_back(variable_of(name).substr(variable_prefix.size()));
  }
  const std::string nearest = nearest_slip(variable.substr(variable_prefix.size()), known);
  if (nearest.empty()) {
    ignored_variables_.push_back(printable(variable));
    return;
  }
  throw UsageError{fmt::format(
      "unknown variable {0} in the environment; did you mean {1}{2}? If {0} is for something else, "
      "start this program without it: env -u {0}",
      printable(variable), variable_prefix, nearest)};
}

void Reader::read_file(const std::string& path) {
  for (const FileEntry& entry : read_configuration_file(path)) {
    const std::string& name = entry.key;
    const std::string where = fmt::format("file {} line {}", printable_path(path), entry.line);
    if (name == "config") {
      throw UsageError{fmt::format("{}: '{}' is no key: one file cannot name another; leave it out",
                                   where, name)};
    }
    if (!options_.contains(name)) {
      refuse_unknown(fmt::format("key '{}' in {}", printable(name), where), nearest_option(name));
    }
    set(name, entry.value, {Source::Kind::file, where});
  }
}

void Reader::set(const std::string& name, const std::string& value, const Source& source) {
  if (const auto said = sources_.find(name); said != sources_.end()) {
    if (said->second.overruled.empty()) said->second.overruled = source.text;
    return;
  }
  give(*options_.at(name), name, value, source.text);
  sources_[name] = source;
}

void Reader::check_required() const {
  for (const CLI::Option* const option : required_) {
    if (option->count() == 0) {
      throw UsageError{
          fmt::format("{} is required; say it on the command line, as a variable or "
                      "in the file of --config",
                      option->get_name())};
    }
  }
}

std::string Reader::nearest_option(const std::string& name, std::vector<std::string> names) const {
  for (const auto& [known, option] : options_) {
    // An option without a group is not in --help, and must not be advised.
    if (!option->get_group().empty()) names.push_back(known);
  }
  return nearest_name(name, names);
}

}  // namespace

std::variant<Configuration, Answer> read_configuration(const Start& start, const Program& program) {
  return Reader{start, program}.read();
}

}  // namespace rankwire
