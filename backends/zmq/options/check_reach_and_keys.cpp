#include <fmt/format.h>

#include <array>
#include <string_view>

#include "options/zmq_settings.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/units.hpp"

namespace rankwire::zmq_wire {
namespace {

/// Which ranks an option is for.
enum class For { either, master, worker };

struct Option {
  std::string_view name;
  For whom;
  const char* instead;  // the advice if the other kind of rank gives it
};

/// Such an option belongs to zmq. If another transport was given by a source with more authority,
/// it overrides the option; otherwise the option contradicts it.
void check_transport(const Option& option, const Said& said) {
  const Source transport = said.source("transport");
  if (transport.kind > said.source(option.name).kind) return;
  if (transport.kind == Source::Kind::standard) {
    const char* const needed = option.whom == For::master   ? "--listen"
                               : option.whom == For::worker ? "--join"
                                                            : "--listen or --join";
    throw UsageError{
        fmt::format("{} needs {}: it is for a world over zmq", said.name(option.name), needed)};
  }
  throw UsageError{fmt::format("{} needs the transport zmq, but {} says {}; leave one of them out",
                               said.name(option.name), said.name("transport"),
                               said.settings.transport)};
}

void check_role(const Option& option, const Said& said, bool is_master) {
  if (option.whom == For::either || is_master == (option.whom == For::master)) return;
  throw UsageError{fmt::format("{} is for {}, and {} makes this one {}; {}", said.name(option.name),
                               is_master ? "a worker" : "the master",
                               is_master ? "--listen" : "--join",
                               is_master ? "the master" : "a worker", option.instead)};
}

/// A key alone identifies this process. It does not say whom to trust.
void check_pair(const Said& said, bool is_master) {
  const char* const name = is_master ? "allow" : "server-key";
  const char* const value = is_master ? "DIR" : "FILE";
  const char* const meaning = is_master ? "the folder of the public keys (NAME.key) that may join"
                                        : "the master's public key (NAME.key)";
  const bool key = said.has("key");
  const bool partner = said.has(name);
  if (key && !partner) {
    throw UsageError{fmt::format("{} needs --{} {}: {}", said.name("key"), name, value, meaning)};
  }
  if (!key && partner) {
    throw UsageError{fmt::format(
        "{} needs --key FILE: {} own secret key, NAME.key_secret; rankwire keygen NAME makes one",
        said.name(name), is_master ? "the master's" : "this worker's")};
  }
  if (key && said.has("insecure") && parse_flag(said.text("insecure"))) {
    throw UsageError{fmt::format(
        "{} and {} contradict each other: with keys, no stranger gets in; leave --insecure out",
        said.name("key"), said.name("insecure"))};
  }
}

/// Refuses options for tcp: over ipc there are neither ports nor other hosts.
void check_tcp(const Option& option, const Said& said, bool is_master) {
  if (option.name != "advertise" && option.name != "port-range") return;
  throw UsageError{fmt::format(
      "{} is for tcp://, and {} says ipc://: all ranks are on this host; leave one of them out",
      said.name(option.name), is_master ? "--listen" : "--join")};
}

constexpr std::array<Option, 6> options{{
    {"address-file", For::master, "a worker reads that file by --join @FILE"},
    {"advertise", For::either, ""},
    {"port-range", For::worker, "the master's port stands in --listen"},
    {"key", For::either, ""},
    {"allow", For::master, "a worker says whom it trusts by --server-key FILE"},
    {"server-key", For::worker, "the master says whom it lets in by --allow DIR"},
}};

}  // namespace

void check_reach_and_keys(const Said& said) {
  const bool is_zmq = said.settings.transport == "zmq";
  const bool is_master = said.has("listen");
  const bool is_ipc = said.text(is_master ? "listen" : "join").starts_with("ipc://");
  for (const Option& option : options) {
    if (!said.has(option.name)) continue;
    if (is_zmq) {
      check_role(option, said, is_master);
      if (is_ipc) check_tcp(option, said, is_master);
    } else {
      check_transport(option, said);
    }
  }
  if (is_zmq) check_pair(said, is_master);
}

}  // namespace rankwire::zmq_wire
