#include "start/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "rankwire/errors.hpp"
#include "rankwire/nearest.hpp"
#include "rankwire/plain_words.hpp"
#include "rankwire/printable.hpp"
#include "rankwire/units.hpp"

namespace rankwire {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

constexpr const char* group = "Options of every rankwire program";

/// Adds an option whose text `set` reads. CLI11 is told in its own way what `set` throws.
CLI::Option* add(CLI::App& app, const std::string& names, const std::string& type,
                 const std::string& help, std::function<void(const std::string&)> set) {
  const std::string name = names.substr(names.rfind("--"));
  auto* const option = app.add_option_function<std::string>(
      names,
      [name, set = std::move(set)](const std::string& text) {
        try {
          set(text);
        } catch (const UsageError& error) {
          throw CLI::ValidationError{name, error.what()};
        }
      },
      help);
  return option->type_name(type)->group(group);
}

/// Reads `text` by `read`. If the value is too large to be represented, returns `most`, which is
/// out of all bounds.
template <class Value>
Value or_most(Value (*read)(std::string_view), const std::string& text, Value most) {
  try {
    return read(text);
  } catch (const TooLarge&) {
    return most;
  }
}

template <class Duration>
Duration parse_between(const std::string& text, microseconds least, microseconds most) {
  const microseconds value = or_most(parse_duration, text, microseconds::max());
  if (value < least || value > most || std::chrono::duration_cast<Duration>(value) != value) {
    throw UsageError{fmt::format("'{}' is out of bounds: {} to {} is accepted{}", printable(text),
                                 duration_text(least), duration_text(most),
                                 Duration{1} > 1us ? ", in whole milliseconds" : "")};
  }
  return std::chrono::duration_cast<Duration>(value);
}

template <class Duration>
void add_duration(CLI::App& app, const std::string& name, Duration& target, microseconds least,
                  microseconds most, const std::string& help) {
  add(app, name, "DURATION", help, [&target, least, most](const std::string& text) {
    target = parse_between<Duration>(text, least, most);
  })->default_str(duration_text(target));
}

void add_wait(CLI::App& app, const std::string& name, std::optional<microseconds>& target,
              const std::string& help) {
  add(app, name, "DURATION", help, [&target](const std::string& text) {
    target.reset();
    if (text == "auto") return;
    try {
      target = parse_between<microseconds>(text, 0s, 1s);
    } catch (const UsageError& error) {
      throw UsageError{fmt::format("{}; so is auto", error.what())};
    }
  })->default_str("auto");
}

std::uint64_t bytes_within(const std::string& text, std::uint64_t least, std::uint64_t most) {
  const std::uint64_t value = or_most(parse_bytes, text, UINT64_MAX);
  if (value >= least && value <= most) return value;
  throw UsageError{fmt::format("'{}' is out of bounds: {} to {} is accepted", printable(text),
                               bytes_text(least), bytes_text(most))};
}

void add_bytes(CLI::App& app, const std::string& name, std::uint64_t& target, std::uint64_t least,
               std::uint64_t most, const std::string& help) {
  add(app, name, "BYTES", help, [&target, least, most](const std::string& text) {
    target = bytes_within(text, least, most);
  })->default_str(bytes_text(target));
}

void add_memory(CLI::App& app, std::optional<std::uint64_t>& target) {
  add(app, "--memory", "BYTES",
      "for messages under way to all ranks, and as much\nfor those from all; auto: 1GiB or a "
      "quarter of\nthe host's memory",
      [&target](const std::string& text) {
        target.reset();
        if (text != "auto") target = bytes_within(text, 1 << 16, std::uint64_t{1} << 50);
      })
      ->default_str("auto");
}

/// Throws UsageError if `text` is none of `choices`.
const std::string& one_of(const std::string& text, const std::vector<std::string>& choices) {
  if (std::find(choices.begin(), choices.end(), text) != choices.end()) return text;
  const std::string nearest = nearest_name(text, choices);
  throw UsageError{fmt::format("'{}' is not accepted: {} are{}", printable(text),
                               fmt::join(choices, ", "),
                               nearest.empty() ? "" : "; did you mean " + nearest + "?")};
}

void add_choice(CLI::App& app, const std::string& name, std::string& target,
                const std::vector<std::string>& choices, const std::string& help) {
  auto* const option = add(app, name, "NAME", help, [&target, choices](const std::string& text) {
    target = one_of(text, choices);
  });
  if (!target.empty()) option->default_str(target);
}

/// Joins parts: "a, b or c" if `before_last` is " or ".
std::string enumeration(const std::vector<std::string>& parts, const std::string& before_last) {
  if (parts.size() == 1) return parts.front();
  const std::span all_but_last{parts.begin(), parts.end() - 1};
  return fmt::format("{}{}{}", fmt::join(all_but_last, ", "), before_last, parts.back());
}

void add_transport(CLI::App& app, std::string& target, std::span<const Backend> backends) {
  std::vector<std::string> names, meanings;
  for (const Backend& backend : backends) {
    names.emplace_back(backend.name);
    if (backend.meant_when.empty()) continue;
    meanings.insert(meanings.begin(), fmt::format("{} {}", backend.name, backend.meant_when));
  }
  meanings.push_back(fmt::format("{} otherwise", names.front()));
  add_choice(app, "--transport", target, names,
             fmt::format("{}; when not said: {}", enumeration(names, " or "),
                         enumeration(meanings, ", and ")));
}

void add_own(CLI::App& app, const BackendOption& option, Settings& settings) {
  const std::string name{option.name}, help{option.help};
  if (option.type.empty()) {
    const auto set = [&settings, name] { settings.options[name] = "true"; };
    app.add_flag_callback("--" + name, set, help)->group(group);
    return;
  }
  auto* const added = add(app, "--" + name, std::string{option.type}, help,
                          [&settings, name, check = option.check](const std::string& text) {
                            check(text);
                            settings.options[name] = text;
                          });
  if (!option.standard.empty()) added->default_str(std::string{option.standard});
}

void add_world(CLI::App& app, Settings& settings, std::span<const Backend> backends) {
  add_transport(app, settings.transport, backends);
  add(app, "-n,--ranks", "N", "size of the world", [&settings](const std::string& text) {
    settings.ranks = parse_number(text, Settings::ranks_max);
  })->default_str(fmt::format("{}", Settings::ranks_default));
  for (const Backend& backend : backends) {
    for (const BackendOption& option : options_of(backend)) add_own(app, option, settings);
  }
}

void add_times_and_sizes(CLI::App& app, Settings& settings) {
  add_duration(app, "--join-timeout", settings.join_timeout, 100ms, 24h,
               "zmq: longest wait for the world to be complete");
  add_duration(app, "--grace", settings.grace, 100ms, 1h,
               "how long a rank may be out of reach before it is lost");
  add_duration(app, "--linger", settings.linger, 0s, 1h,
               "longest wait for messages to be delivered at the end");
  add_bytes(app, "--window", settings.window_bytes, std::uint64_t{1} << 10, std::uint64_t{1} << 40,
            "bytes under way from one rank to another before a send waits");
  add_memory(app, settings.memory_bytes);
  add_bytes(app, "--message-max", settings.message_bytes_max, 1, std::uint64_t{1} << 40,
            "largest message");
  add_wait(app, "--wait-spin", settings.wait.spin,
           "a blocked wait first spins so long; auto: by the\nranks and cores of the host");
  add_wait(app, "--wait-yield", settings.wait.yield, "then yields its core for so long");
  add_duration(app, "--wait-sleep", settings.wait.sleep_max, 50us, 1ms,
               "then sleeps, at most so long at a time");
  add(app, "--progress", "NAME",
      "what moves messages on while the program computes:\nthread, a thread of the channel; call, "
      "nothing:\nthey move in its next call",
      [&settings](const std::string& text) {
        const std::vector<std::string> names{"thread", "call"};
        settings.progress_thread = one_of(text, names) == "thread";
      })
      ->default_str("thread");
  add_choice(app, "--log-level", settings.log_level,
             {"trace", "debug", "info", "warn", "error", "off"},
             "what to log to stderr: trace, debug, info, warn, error, off");
}

/// The value as CLI11 reads it. Flags take fewer texts here than CLI11 would.
std::string checked(const CLI::Option& option, const std::string& name, const std::string& value) {
  if (option.get_items_expected_max() > 0) return value;
  try {
    return parse_flag(value) ? "true" : "false";
  } catch (const UsageError& error) {
    throw CLI::ValidationError{"--" + name, error.what()};
  }
}

}  // namespace

void give(CLI::Option& option, const std::string& name, const std::string& value,
          std::string_view source) {
  try {
    option.add_result(checked(option, name, value));
    option.run_callback();
  } catch (const CLI::ParseError& error) {
    throw UsageError{fmt::format("{}: {}", source, plain_words(error))};
  }
}

std::span<const BackendOption> options_of(const Backend& backend) {
  return backend.options == nullptr ? std::span<const BackendOption>{} : backend.options();
}

void add_library_options(CLI::App& app, Settings& settings, std::span<const Backend> backends) {
  add_world(app, settings, backends);
  add_times_and_sizes(app, settings);
}

}  // namespace rankwire
