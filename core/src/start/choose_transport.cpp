#include <fmt/format.h>

#include <algorithm>

#include "rankwire/errors.hpp"
#include "start/configuration.hpp"
#include "start/options.hpp"

namespace rankwire {

Source Said::source(std::string_view option) const {
  const auto found = sources.find(option);
  return found == sources.end() ? Source{} : found->second;
}

std::string Said::name(std::string_view option) const {
  return fmt::format("--{} ({})", option, source(option).text);
}

std::string Said::text(std::string_view option) const {
  const auto found = settings.options.find(option);
  return found == settings.options.end() ? std::string{} : found->second;
}

namespace {

/// The backend that the options mean. Asks all backends: one that is not taken also checks its
/// options.
const Backend& meant(const Said& said, std::span<const Backend> backends) {
  const Backend* taken = &backends.front();
  for (const Backend& backend : backends) {
    if (backend.is_meant != nullptr && backend.is_meant(said)) taken = &backend;
  }
  return *taken;
}

/// The value of launch_size_variable.
std::string launched(const std::vector<std::string>& environment) {
  const std::string prefix = std::string{launch_size_variable} + "=";
  const auto found =
      std::find_if(environment.begin(), environment.end(),
                   [&](const std::string& entry) { return entry.starts_with(prefix); });
  return found == environment.end() ? std::string{} : found->substr(prefix.size());
}

/// Drops the options of other transports, which have no effect.
void drop_options_of_others(Settings& settings, const Backend& chosen,
                            std::span<const Backend> backends) {
  for (const Backend& backend : backends) {
    if (&backend == &chosen) continue;
    for (const BackendOption& option : options_of(backend)) {
      settings.options.erase(std::string{option.name});
    }
  }
}

}  // namespace

const Backend& backend_named(std::string_view name, std::span<const Backend> backends) {
  return *std::find_if(backends.begin(), backends.end(),
                       [&](const Backend& candidate) { return candidate.name == name; });
}

void choose_transport(Settings& settings, const Sources& sources, const Start& start) {
  const Said said{settings, sources, start.launcher, launched(start.environment)};
  const Backend& otherwise = meant(said, start.backends);
  if (settings.transport.empty()) settings.transport = otherwise.name;
  const Backend& chosen = backend_named(settings.transport, start.backends);
  if (chosen.open == nullptr) throw UsageError{chosen.not_built(said)};
  for (const Backend& backend : start.backends) {
    if (backend.check != nullptr) backend.check(said);
  }
  drop_options_of_others(settings, chosen, start.backends);
}

}  // namespace rankwire
