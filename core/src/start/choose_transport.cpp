#include <fmt/format.h>

#include <algorithm>

#include "rankwire/errors.hpp"
#include "rankwire/printable.hpp"
#include "start/configuration.hpp"

namespace rankwire {

std::string said(const char* option, const Source& source) {
  return fmt::format("{} ({})", option, source.text);
}

namespace {

/// --listen and --join belong to zmq. A transport that was said with more authority silences them;
/// else they contradict it.
void check_endpoints(const Settings& settings, const Sources& sources) {
  if (!settings.listen.empty() && !settings.join.empty()) {
    throw UsageError{fmt::format(
        "{} and {} contradict each other: the master listens, a worker joins; say one of them",
        said("--listen", sources.listen), said("--join", sources.join))};
  }
  const bool listens = !settings.listen.empty();
  if (!listens && settings.join.empty()) return;
  const Source& endpoint = listens ? sources.listen : sources.join;
  if (settings.transport.empty() || settings.transport == "zmq" ||
      sources.transport.kind > endpoint.kind) {
    return;
  }
  throw UsageError{fmt::format("{} needs the transport zmq, but {} says {}; leave one of them out",
                               said(listens ? "--listen" : "--join", endpoint),
                               said("--transport", sources.transport), settings.transport)};
}

void check_zmq(const Settings& settings) {
  if (settings.listen.empty() && settings.join.empty()) {
    throw UsageError{
        "the transport zmq needs to know how to meet: give --listen tcp://HOST:PORT -n N to the "
        "master and --join tcp://HOST:PORT to each worker, or start all with rankwire launch"};
  }
  if (!settings.listen.empty() && !settings.ranks) {
    throw UsageError{fmt::format(
        "--listen {} needs the size of the world: add -n N, the master included", settings.listen)};
  }
}

void check_rank(const Settings& settings, const Sources& sources) {
  if (!settings.rank) return;
  if (settings.join.empty()) {
    throw UsageError{
        fmt::format("{} needs --join: only a worker that joins a master over zmq can want a rank",
                    said("--rank", sources.rank))};
  }
  if (settings.ranks && *settings.rank >= *settings.ranks) {
    throw UsageError{fmt::format(
        "{}: rank {} is not in a world of {} ranks: a worker's rank is 1 to {}",
        said("--rank", sources.rank), *settings.rank, *settings.ranks, *settings.ranks - 1)};
  }
}

void check_mpi(const Settings& settings, const Sources& sources, const Start& start) {
  const auto& launcher = start.launcher;
  if (!launcher || launcher->size == 0 || !settings.ranks || *settings.ranks == launcher->size) {
    return;
  }
  throw UsageError{fmt::format(
      "{} says {} ranks, but the launcher started {} ({}); leave -n of the program out, or make "
      "both agree",
      said("--ranks", sources.ranks), *settings.ranks, launcher->size, launcher->variable)};
}

/// rankwire launch has said the size of the world, and started as many: with another one, they
/// would wait for ranks that nobody starts.
void check_launch(const Settings& settings, const Sources& sources, const Start& start) {
  const Source& endpoint = settings.listen.empty() ? sources.join : sources.listen;
  const std::string prefix = std::string{launch_size_variable} + "=";
  const auto said_by_launch =
      std::find_if(start.environment.begin(), start.environment.end(),
                   [&](const std::string& entry) { return entry.starts_with(prefix); });
  if (said_by_launch == start.environment.end() || !settings.ranks) return;
  // With an endpoint of its own, it is of another world.
  if (endpoint.kind != Source::Kind::environment) return;
  const std::string size = said_by_launch->substr(prefix.size());
  if (size == fmt::format("{}", *settings.ranks)) return;
  throw UsageError{fmt::format(
      "{} says {} ranks, but rankwire launch started {}; leave -n of the program out, or say "
      "rankwire launch -n {}",
      said("--ranks", sources.ranks), *settings.ranks, printable(size), *settings.ranks)};
}

void check_built(const Settings& settings, const Sources& sources, const Start& start) {
  const auto& built = start.backends;
  if (std::find(built.begin(), built.end(), settings.transport) != built.end()) return;
  const bool mpi = settings.transport == "mpi";
  const bool by_launcher = mpi && sources.transport.kind == Source::Kind::standard;
  throw UsageError{fmt::format(
      "{}this program was built without {}: use {}, or configure it with -DRANKWIRE_WITH_{}=ON",
      by_launcher
          ? fmt::format("started by mpiexec or srun ({} is set), but ", start.launcher->variable)
          : std::string{},
      mpi ? "MPI" : "ZeroMQ", mpi ? "--listen/--join or --transport inproc" : "another --transport",
      mpi ? "MPI" : "ZMQ")};
}

}  // namespace

void choose_transport(Settings& settings, const Sources& sources, const Start& start) {
  check_endpoints(settings, sources);
  if (settings.transport.empty()) {
    const bool meets = !settings.listen.empty() || !settings.join.empty();
    settings.transport = meets ? "zmq" : start.launcher ? "mpi" : "inproc";
  }
  check_rank(settings, sources);
  check_built(settings, sources, start);
  if (settings.transport == "zmq") {
    check_zmq(settings);
    check_launch(settings, sources, start);
  }
  if (settings.transport == "mpi") check_mpi(settings, sources, start);
  check_reach_and_keys(settings, sources);
}

}  // namespace rankwire
