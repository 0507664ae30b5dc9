#include <fmt/format.h>

#include <array>
#include <string_view>

#include "rankwire/errors.hpp"
#include "start/configuration.hpp"

namespace rankwire {
namespace {

/// Whom an option is for.
enum class For { either, master, worker };

struct Option {
  const char* name;
  bool is_said;
  const Source& source;
  For whom;
  const char* instead;  // what to do when the other one says it
};

/// Such an option belongs to zmq. A transport that was said with more authority silences it; else
/// it contradicts that.
void check_transport(const Option& option, const Settings& settings, const Sources& sources) {
  if (sources.transport.kind > option.source.kind) return;
  if (sources.transport.kind == Source::Kind::standard) {
    const char* const needed = option.whom == For::master   ? "--listen"
                               : option.whom == For::worker ? "--join"
                                                            : "--listen or --join";
    throw UsageError{fmt::format("{} needs {}: it is for a world over zmq",
                                 said(option.name, option.source), needed)};
  }
  throw UsageError{fmt::format("{} needs the transport zmq, but {} says {}; leave one of them out",
                               said(option.name, option.source),
                               said("--transport", sources.transport), settings.transport)};
}

void check_role(const Option& option, bool is_master) {
  if (option.whom == For::either || is_master == (option.whom == For::master)) return;
  throw UsageError{
      fmt::format("{} is for {}, and {} makes this one {}; {}", said(option.name, option.source),
                  is_master ? "a worker" : "the master", is_master ? "--listen" : "--join",
                  is_master ? "the master" : "a worker", option.instead)};
}

/// A key alone says who one is, and not whom to trust.
void check_pair(const Settings& settings, const Sources& sources, bool is_master) {
  const char* const name = is_master ? "--allow" : "--server-key";
  const char* const value = is_master ? "DIR" : "FILE";
  const char* const meaning = is_master ? "the folder of the public keys (NAME.key) that may join"
                                        : "the master's public key (NAME.key)";
  const bool partner = !(is_master ? settings.allow : settings.server_key).empty();
  if (!settings.key.empty() && !partner) {
    throw UsageError{
        fmt::format("{} needs {} {}: {}", said("--key", sources.key), name, value, meaning)};
  }
  if (settings.key.empty() && partner) {
    throw UsageError{fmt::format(
        "{} needs --key FILE: {} own secret key, NAME.key_secret; rankwire keygen NAME makes one",
        said(name, is_master ? sources.allow : sources.server_key),
        is_master ? "the master's" : "this worker's")};
  }
  if (!settings.key.empty() && settings.insecure) {
    throw UsageError{fmt::format(
        "{} and {} contradict each other: with keys, no stranger gets in; leave --insecure out",
        said("--key", sources.key), said("--insecure", sources.insecure))};
  }
}

/// Over ipc there are neither ports nor other hosts.
void check_tcp(const Option& option, bool is_master) {
  const std::string_view name = option.name;
  if (name != "--advertise" && name != "--port-range") return;
  throw UsageError{fmt::format(
      "{} is for tcp://, and {} says ipc://: all ranks are on this host; leave one of them out",
      said(option.name, option.source), is_master ? "--listen" : "--join")};
}

}  // namespace

void check_reach_and_keys(const Settings& settings, const Sources& sources) {
  const std::array<Option, 6> options{{
      {"--address-file", !settings.address_file.empty(), sources.address_file, For::master,
       "a worker reads that file by --join @FILE"},
      {"--advertise", !settings.advertise.empty(), sources.advertise, For::either, ""},
      {"--port-range", settings.port_range.has_value(), sources.port_range, For::worker,
       "the master's port stands in --listen"},
      {"--key", !settings.key.empty(), sources.key, For::either, ""},
      {"--allow", !settings.allow.empty(), sources.allow, For::master,
       "a worker says whom it trusts by --server-key FILE"},
      {"--server-key", !settings.server_key.empty(), sources.server_key, For::worker,
       "the master says whom it lets in by --allow DIR"},
  }};
  const bool is_zmq = settings.transport == "zmq";
  const bool is_master = !settings.listen.empty();
  const bool is_ipc = (is_master ? settings.listen : settings.join).starts_with("ipc://");
  for (const Option& option : options) {
    if (!option.is_said) continue;
    if (is_zmq) {
      check_role(option, is_master);
      if (is_ipc) check_tcp(option, is_master);
    } else {
      check_transport(option, settings, sources);
    }
  }
  if (is_zmq) check_pair(settings, sources, is_master);
}

}  // namespace rankwire
