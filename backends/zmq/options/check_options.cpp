#include <fmt/format.h>

#include <utility>

#include "options/zmq_settings.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/printable.hpp"
#include "rankwire/units.hpp"

namespace rankwire::zmq_wire {
namespace {

/// --listen and --join belong to zmq. If another transport was given by a source with more
/// authority, it overrides them; otherwise they contradict it.
void check_endpoints(const Said& said) {
  if (said.has("listen") && said.has("join")) {
    throw UsageError{fmt::format(
        "{} and {} contradict each other: the master listens, a worker joins; say one of them",
        said.name("listen"), said.name("join"))};
  }
  if (!said.has("listen") && !said.has("join")) return;
  const char* const endpoint = said.has("listen") ? "listen" : "join";
  const std::string& transport = said.settings.transport;
  if (transport.empty() || transport == "zmq" ||
      said.source("transport").kind > said.source(endpoint).kind) {
    return;
  }
  throw UsageError{fmt::format("{} needs the transport zmq, but {} says {}; leave one of them out",
                               said.name(endpoint), said.name("transport"), transport)};
}

void check_rank(const Said& said) {
  if (!said.has("rank")) return;
  if (!said.has("join")) {
    throw UsageError{
        fmt::format("{} needs --join: only a worker that joins a master over zmq can want a rank",
                    said.name("rank"))};
  }
  const int rank = parse_number(said.text("rank"), Settings::ranks_max - 1);
  const auto& ranks = said.settings.ranks;
  if (ranks && rank >= *ranks) {
    throw UsageError{
        fmt::format("{}: rank {} is not in a world of {} ranks: a worker's rank is 1 to {}",
                    said.name("rank"), rank, *ranks, *ranks - 1)};
  }
}

void check_meeting(const Said& said) {
  if (!said.has("listen") && !said.has("join")) {
    throw UsageError{fmt::format(
        "the transport zmq needs to know how to meet: give --listen tcp://HOST:PORT -n N to the "
        "master and --join tcp://HOST:PORT to each worker, or start all with rankwire launch{}",
        said.launcher ? ", or leave --transport out under mpiexec or srun" : "")};
  }
  if (said.has("listen") && !said.settings.ranks) {
    throw UsageError{
        fmt::format("--listen {} needs the size of the world: add -n N, the master included",
                    said.text("listen"))};
  }
}

/// `rankwire launch` has given the size of the world, and started as many processes. With another
/// size, they would wait for ranks that nobody starts.
void check_launch(const Said& said) {
  const auto& ranks = said.settings.ranks;
  if (said.launched.empty() || !ranks) return;
  // A process with an endpoint of its own belongs to another world.
  const Source endpoint = said.source(said.has("listen") ? "listen" : "join");
  if (endpoint.kind != Source::Kind::environment) return;
  if (said.launched == fmt::format("{}", *ranks)) return;
  throw UsageError{fmt::format(
      "{} says {} ranks, but rankwire launch started {}; leave -n of the program out, or say "
      "rankwire launch -n {}",
      said.name("ranks"), *ranks, printable(said.launched), *ranks)};
}

/// The ranks of `rankwire launch` find each other over ZeroMQ. With another transport each process
/// would be a world of its own, the program would run as many times, and nothing would fail. What
/// the program itself opens (open()) is its own affair.
void check_launched_transport(const Said& said) {
  const std::string& transport = said.settings.transport;
  if (said.launched.empty() || transport.empty() || transport == "zmq" ||
      said.source("transport").kind == Source::Kind::program) {
    return;
  }
  throw UsageError{fmt::format(
      "{} says {}, but rankwire launch, which started {} processes, makes one world of them over "
      "zmq; leave --transport out, or start the program without rankwire launch",
      said.name("transport"), transport, printable(said.launched))};
}

/// `rankwire launch` gives each of its ranks an endpoint, by a variable, and they are given the
/// same command line and file. So an endpoint that stands there is wrong for at least one of them,
/// and the others would wait for it. All refuse it, at once.
void check_launched_endpoint(const Said& said) {
  if (said.launched.empty()) return;
  const Source listen = said.source("listen"), join = said.source("join");
  const auto by_launch = [](const Source& source) {
    return source.kind == Source::Kind::environment || source.overruled.starts_with("variable ");
  };
  // Without the variables of the launcher it is a process of another world.
  if (!by_launch(listen) && !by_launch(join)) return;
  for (const auto& [name, source] : {std::pair{"listen", listen}, std::pair{"join", join}}) {
    const bool overrules =
        source.kind == Source::Kind::command_line || source.kind == Source::Kind::file;
    const std::string& where = overrules ? source.text : source.overruled;
    if (where.empty()) continue;
    throw UsageError{
        fmt::format("--{0} ({1}): rankwire launch gives its ranks their endpoints; leave --{0} out",
                    name, where)};
  }
}

}  // namespace

bool is_zmq_meant(const Said& said) {
  check_launched_transport(said);
  check_launched_endpoint(said);
  check_endpoints(said);
  check_rank(said);
  return said.has("listen") || said.has("join");
}

void check_zmq_options(const Said& said) {
  if (said.settings.transport == "zmq") {
    check_meeting(said);
    check_launch(said);
  }
  check_reach_and_keys(said);
}

}  // namespace rankwire::zmq_wire
