#include "rankwire/world.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "rankwire/backend/log.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/nearest.hpp"
#include "rankwire/printable.hpp"
#include "rankwire/units.hpp"
#include "start/configuration.hpp"
#include "start/options.hpp"

namespace rankwire {
namespace {

using Texts = std::vector<std::pair<std::string, std::string>>;

/// The text of a duration. One that has no text becomes the nearest that has, and is out of all
/// bounds as well.
template <class Duration>
std::string text_of(Duration duration) {
  constexpr auto most = std::chrono::duration_cast<Duration>(std::chrono::microseconds::max());
  return duration_text(std::clamp(duration, -most, most));
}

/// The settings as texts of options on a command line.
Texts texts_of(const Settings& settings) {
  Texts texts{{"join-timeout", text_of(settings.join_timeout)},
              {"grace", text_of(settings.grace)},
              {"linger", text_of(settings.linger)},
              {"window", bytes_text(settings.window_bytes)},
              {"message-max", bytes_text(settings.message_bytes_max)},
              {"wait-sleep", text_of(settings.wait.sleep_max)}};
  const auto add = [&texts](const char* name, const std::string& text) {
    texts.emplace_back(name, text);
  };
  if (!settings.transport.empty()) add("transport", settings.transport);
  if (settings.ranks) add("ranks", fmt::format("{}", *settings.ranks));
  if (settings.memory_bytes) add("memory", bytes_text(*settings.memory_bytes));
  if (settings.wait.spin) add("wait-spin", text_of(*settings.wait.spin));
  if (settings.wait.yield) add("wait-yield", text_of(*settings.wait.yield));
  if (!settings.progress_thread) add("progress", "call");
  if (!settings.log_level.empty()) add("log-level", settings.log_level);
  texts.insert(texts.end(), settings.options.begin(), settings.options.end());
  return texts;
}

void refuse_unknown(const Settings& settings, std::span<const Backend> backends) {
  std::vector<std::string> known;
  for (const Backend& backend : backends) {
    for (const BackendOption& option : options_of(backend)) known.emplace_back(option.name);
  }
  for (const auto& [name, text] : settings.options) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string nearest = nearest_name(name, known);
    throw UsageError{
        fmt::format("settings: no transport has an option '{}'{}", printable(name),
                    nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest))};
  }
}

/// Checks the texts as options of a command line, where all bounds are. Throws UsageError.
void check_texts(const Texts& texts, std::span<const Backend> backends) {
  Settings scratch;
  CLI::App app;
  add_library_options(app, scratch, backends);
  for (const auto& [name, text] : texts) {
    give(*app.get_option("--" + name), name, text, "settings");
  }
}

/// The settings with the transport chosen and all options checked.
Settings complete(const Settings& settings, std::span<const Backend> backends) {
  refuse_unknown(settings, backends);
  const Texts texts = texts_of(settings);
  check_texts(texts, backends);
  Sources sources;
  for (const auto& [name, text] : texts) sources[name] = {Source::Kind::program, "settings"};
  Settings chosen = settings;
  choose_transport(chosen, sources, start_here(backends));
  return chosen;
}

}  // namespace

Start start_here(std::span<const Backend> backends) {
  Start start;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    start.environment.emplace_back(*entry);
  }
  start.backends = backends;
  start.launcher = launcher_world();
  return start;
}

Channel& World::channel() {
  if (channels_.size() > 1) {
    throw UsageError{
        fmt::format("{} ranks live in this process: take each by World::channels(), for a thread "
                    "of its own",
                    channels_.size())};
  }
  if (channels_.empty()) {
    throw UsageError{"this world has no channel here: it was moved from, or its channels released"};
  }
  return *channels_.front();
}

void World::close(Deadline serve_until) {
  for (const auto& channel : channels_) channel->close(serve_until);
}

World open(const Settings& settings, std::span<const Backend> backends) {
  const Settings chosen = complete(settings, backends);
  if (!chosen.log_level.empty()) log().set_level(spdlog::level::from_str(chosen.log_level));
  return World{backend_named(chosen.transport, backends).open(chosen)};
}

}  // namespace rankwire
