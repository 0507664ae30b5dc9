#include "meeting/master_search.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "meeting/session.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/printable.hpp"
#include "reach/address_file.hpp"
#include "reach/greeting.hpp"
#include "reach/probe.hpp"

namespace rankwire::zmq_wire {
namespace {

using namespace std::chrono_literals;

/// The next address is dialed when the one before has not answered for this long.
constexpr auto dial_interval = 250ms;
/// How often the file is read and the ways to the addresses are looked up: at first, and later.
constexpr std::chrono::milliseconds look_first = 100ms, look_last = 1s;
constexpr auto greeting_limit = 1s;
/// A name may stand for many addresses. Each takes a socket of libzmq.
constexpr std::size_t candidates_max = 128;
constexpr std::size_t named_max = 8;
/// A wrong key looks like a network that cuts each handshake, or like a master that ends just now.
/// After this many failures over this time, a wrong key counts as the cause.
constexpr int failures_believed = 3;
constexpr std::chrono::seconds failing_believed{5};

}  // namespace

MasterSearch::MasterSearch(const ZmqSettings& settings, Deadline deadline)
    : settings_{settings}, deadline_{deadline} {
  if (settings.join.starts_with('@')) {
    file_ = settings.join.substr(1);
    if (file_.empty()) throw UsageError{"--join @: the name of the address file is missing"};
    return;
  }
  try {
    add_addresses(settings.join);
  } catch (const UsageError& error) {
    throw UsageError{
        fmt::format("--join {}: {}; say the master's host by a name that this machine can look up, "
                    "or by its address",
                    printable_path(settings.join), error.what())};
  }
}

FoundMaster MasterSearch::find(Wire& wire) {
  Deadline next_look = Deadline::poll();
  std::chrono::milliseconds look_interval = look_first;
  // A process that accepts and hangs up at once must not be asked again at once.
  Deadline next_dial = std::exchange(found_before_, true) ? dial_interval : Deadline::poll();
  Deadline next_report{report_interval};
  while (true) {
    if (next_look.expired()) {
      look(wire);
      next_look = look_interval;
      look_interval = std::min(2 * look_interval, look_last);
      if (next_dial.is_never()) next_dial = Deadline::poll();
    }
    if (next_dial.expired()) next_dial = dial_next(wire) ? dial_interval : Deadline::never();
    const Deadline next = deadline_.sooner(next_report).sooner(next_look).sooner(next_dial);
    if (const auto incoming = wire.receive(next)) {
      if (auto found = take(wire, *incoming)) return *found;
    }
    if (deadline_.expired()) give_up();
    if (next_report.expired()) {
      log().info("waits for {} ({})", whom(), what_they_say());
      next_report = report_interval;
    }
  }
}

void MasterSearch::put_last(const std::string& endpoint) {
  std::stable_partition(candidates_.begin(), candidates_.end(),
                        [&](const Candidate& candidate) { return candidate.endpoint != endpoint; });
}

std::string MasterSearch::whom() const {
  return file_.empty() ? fmt::format("the master at {}", settings_.join)
                       : fmt::format("the master of the address file {}", printable_path(file_));
}

std::string MasterSearch::what_they_say() const {
  if (candidates_.empty()) return missing_;
  std::vector<std::string> endpoints, texts;
  for (const auto& candidate : candidates_) {
    if (candidate.obstacle.empty()) endpoints.push_back(candidate.endpoint);
  }
  auto probes = probe_all(endpoints, probe_limit);
  auto probe = probes.begin();
  for (const auto& candidate : candidates_) {
    std::string text = candidate.obstacle.empty() ? candidate.refusal : candidate.obstacle;
    if (candidate.obstacle.empty()) {
      if (text.empty()) {
        text = probe->outcome() == Probe::Outcome::accepted
                   ? "somebody listens there, but does not answer as a master"
                   : probe->text();
      }
      ++probe;
    }
    const bool alone = candidates_.size() == 1 && candidate.endpoint == settings_.join;
    texts.push_back(alone ? text : fmt::format("{}: {}", candidate.endpoint, text));
  }
  const std::size_t more = texts.size() - std::min(texts.size(), named_max);
  texts.resize(texts.size() - more);
  return fmt::format("{}{}", fmt::join(texts, "; "),
                     more > 0 ? fmt::format("; and {} more", more) : "");
}

void MasterSearch::give_up() const {
  throw Timeout{
      fmt::format("{} was not found within {} s: {}; start it with {}, check {}, or wait longer "
                  "with --join-timeout",
                  whom(), std::chrono::duration<double>(settings_.join_timeout).count(),
                  what_they_say(), file_.empty() ? "--listen" : "--listen and --address-file",
                  is_ipc(settings_.join) ? "the path" : "host and port")};
}

/// Brings the candidates up to date.
void MasterSearch::look(Wire& wire) {
  if (!file_.empty()) read_file(wire);
  for (auto& candidate : candidates_) {
    if (candidate.connection == 0) find_way(candidate);
  }
}

/// The file may be of an earlier master, for whose endpoints nobody answers. Another master may
/// have replaced it since.
void MasterSearch::read_file(Wire& wire) {
  auto content = read_address_file(file_);
  missing_ = std::move(content.missing);
  if (content.endpoints == lines_) return;
  hang_up_all(wire);
  candidates_.clear();
  lines_ = std::move(content.endpoints);
  for (const auto& line : lines_) {
    try {
      add_addresses(line);
    } catch (const UsageError& error) {
      Candidate unknown;
      unknown.endpoint = line;
      unknown.obstacle = error.what();
      unknown.unknown_name = true;
      add(std::move(unknown));
    }
  }
}

void MasterSearch::add_addresses(const std::string& of_endpoint) {
  const Endpoint endpoint = parse_endpoint(of_endpoint);
  if (endpoint.is_ipc()) {
    Candidate candidate;
    candidate.endpoint = of_endpoint;
    add(std::move(candidate));
    return;
  }
  for (const auto& address : resolve(endpoint.host)) {
    Candidate candidate;
    candidate.endpoint = address.endpoint(fmt::format("{}", endpoint.port));
    add(std::move(candidate));
  }
}

void MasterSearch::add(Candidate&& candidate) {
  const bool known =
      std::any_of(candidates_.begin(), candidates_.end(),
                  [&](const Candidate& each) { return each.endpoint == candidate.endpoint; });
  if (!known && candidates_.size() < candidates_max) candidates_.push_back(std::move(candidate));
}

/// Looks for the way anew each time: an interface may have gone up since.
void MasterSearch::find_way(Candidate& candidate) {
  if (candidate.unknown_name || is_ipc(candidate.endpoint)) return;
  const Endpoint there = parse_endpoint(candidate.endpoint);
  try {
    candidate.own = local_address_towards({.number = there.host}, there.port);
    candidate.obstacle.clear();
  } catch (const TransportError& error) {
    candidate.obstacle = error.what();
    return;
  }
  if (candidate.own.loopback || settings_.insecure || !settings_.key.empty()) return;
  // Another address is no way out: if this worker listened on loopback, workers on other hosts
  // could not reach it.
  throw UsageError{fmt::format(
      "--join {}: the other workers would reach this one at {}, and so would strangers: links have "
      "no keys. Give all of them keys, or --insecure on a network that you trust",
      printable_path(settings_.join), candidate.own.number)};
}

/// Dials the next candidate. False if all that can be dialed are dialed.
bool MasterSearch::dial_next(Wire& wire) {
  for (auto& candidate : candidates_) {
    if (candidate.connection != 0 || !candidate.obstacle.empty() || !candidate.refusal.empty()) {
      continue;
    }
    candidate.connection = wire.dial(candidate.endpoint, frame_bytes_max(piece_bytes_max));
    return true;
  }
  return false;
}

std::optional<FoundMaster> MasterSearch::take(Wire& wire, const Incoming& incoming) {
  const auto from = std::find_if(candidates_.begin(), candidates_.end(), [&](const auto& each) {
    return each.connection == incoming.connection;
  });
  if (from == candidates_.end()) {
    if (incoming.what == Incoming::What::frame) {
      wire.count_dropped(incoming.connection, "nothing is expected before the master is found");
    }
    return std::nullopt;
  }
  if (incoming.what == Incoming::What::failed) {
    note_failure(wire, *from, incoming.key_refused);
    return std::nullopt;
  }
  if (incoming.what != Incoming::What::up) return std::nullopt;  // the Wire dials it again
  check_user(wire, *from);
  FoundMaster found{from->connection, from->endpoint, from->own};
  from->connection = 0;
  hang_up_all(wire);
  return found;
}

/// Over ipc without keys, only the user who owns the process distinguishes the master from a
/// stranger. In a folder like /tmp a stranger may have taken the path first, and must not give this
/// worker its work.
void MasterSearch::check_user(const Wire& wire, const Candidate& candidate) const {
  const auto user = wire.user_at(candidate.connection);
  const bool trusted = !user || *user == geteuid() || settings_.insecure || wire.has_keys();
  if (trusted) return;
  throw UsageError{fmt::format(
      "{} is of another user (id {}), who would be this worker's master: links have no keys. Give "
      "all of them keys, or --insecure if you trust that user",
      candidate.endpoint, *user)};
}

/// Handles a handshake that failed. If trying again is of no use, the candidate is not dialed
/// again. A refused key ends the search: the master itself has refused it, since a server with
/// another key does not get that far. Any refusal ends it if no other candidate may be the master.
void MasterSearch::note_failure(Wire& wire, Candidate& candidate, bool key_refused) {
  if (++candidate.failures == 1) candidate.believed_at = failing_believed;
  candidate.refusal =
      key_refused ? fmt::format(
                        "the master refuses the key {}: put its public certificate into the "
                        "folder of the master's --allow, and restart the master",
                        printable_path(settings_.key))
                  : why_not(candidate, wire.has_keys());
  // The next look dials again, if that may help.
  wire.hang_up(candidate.connection);
  candidate.connection = 0;
  if (candidate.refusal.empty()) return;
  if (key_refused || !has_hope()) {
    throw UsageError{fmt::format("{}: {}", candidate.endpoint, candidate.refusal)};
  }
}

/// Whether a candidate that has not answered yet may still do so: its host does not refuse
/// connections. Takes up to a second.
bool MasterSearch::has_hope() const {
  std::vector<std::string> unheard;
  for (const auto& candidate : candidates_) {
    if (candidate.refusal.empty() && candidate.obstacle.empty()) {
      unheard.push_back(candidate.endpoint);
    }
  }
  auto probes = probe_all(unheard, probe_limit);
  return std::any_of(probes.begin(), probes.end(),
                     [](Probe& probe) { return probe.outcome() != Probe::Outcome::refused; });
}

/// Why the other side hung up, as far as its greeting shows. libzmq does not say.
std::string MasterSearch::why_not(const Candidate& candidate, bool has_keys) const {
  const std::string own = has_keys ? "CURVE" : "NULL";
  const std::string theirs = mechanism_at(candidate.endpoint, own, greeting_limit);
  if (theirs == "CURVE" && !has_keys) {
    return "the master asks for keys: start this worker with --key and --server-key";
  }
  if (theirs == "NULL" && has_keys) {
    return "the master has no keys: start it with --key and --allow, or this worker without --key "
           "and --server-key";
  }
  if (theirs == "CURVE" && candidate.failures >= failures_believed &&
      candidate.believed_at.expired()) {
    return fmt::format(
        "each of {} handshakes failed in {} s: {} is not the public key of the master that listens "
        "there (copy the master's .key file anew), or the network cuts connections as they begin",
        candidate.failures, failing_believed.count(), settings_.server_key);
  }
  return {};
}

void MasterSearch::hang_up_all(Wire& wire) {
  for (auto& candidate : candidates_) {
    if (candidate.connection != 0) wire.hang_up(candidate.connection);
    candidate.connection = 0;
  }
}

}  // namespace rankwire::zmq_wire
