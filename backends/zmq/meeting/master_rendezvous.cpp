#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "keys/certificate.hpp"
#include "meeting/admission.hpp"
#include "meeting/candidates.hpp"
#include "meeting/session.hpp"
#include "protocol/frame.hpp"
#include "rankwire/backend/host.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/backend/texts.hpp"
#include "reach/interfaces.hpp"
#include "reach/open_files.hpp"

namespace rankwire::zmq_wire {
namespace {

/// Workers of a large world may be started more than once; each deserves a line.
std::uint64_t logged_max(int ranks) {
  constexpr std::uint64_t least = 20;
  return std::max(least, 2 * static_cast<std::uint64_t>(ranks));
}

/// Checks for files first: every worker has a connection here.
std::unique_ptr<Wire> make_wire(const ZmqSettings& settings, int ranks) {
  raise_file_limit();
  check_files_left(files_of_wire + static_cast<std::size_t>(ranks - 1),
                   fmt::format("rank 0 of a world of {} ranks", ranks));
  auto wire = std::make_unique<Wire>(silence_max(settings), read_keyring(settings));
  constexpr int many = 1000;
  if (ranks > many) wire->expect_thousands();
  return wire;
}

class MasterRendezvous {
 public:
  explicit MasterRendezvous(const ZmqSettings& settings)
      : settings_{settings},
        ranks_{settings.ranks.value_or(1)},
        wire_{make_wire(settings, ranks_)},
        came_{logged_max(ranks_)},
        went_away_{logged_max(ranks_)} {}

  Session run();

 private:
  void bind();
  std::vector<std::string> bind_addresses(const Endpoint& endpoint);
  void check_strangers_kept_out(const std::vector<Address>& addresses) const;
  void take(Incoming&& incoming);
  void admit(Incoming&& incoming, Hello&& hello);
  void welcome(const Candidate& candidate);
  void welcome_again(Candidate& same, ConnectionId connection, Hello&& hello);
  void report();
  void give_up();
  Session start();
  void tell_start(Session& session);
  [[nodiscard]] bool complete() const { return candidates_.count() == ranks_ - 1; }
  [[nodiscard]] std::string missing() const;

  const ZmqSettings& settings_;
  int ranks_;
  std::unique_ptr<Wire> wire_;
  std::string bound_;       // for the log
  std::string reached_at_;  // the --join that workers are told
  AddressFile address_file_;
  Candidates candidates_;
  LogLimit came_, went_away_;
};

void MasterRendezvous::bind() {
  const Endpoint endpoint = parse_endpoint(settings_.listen);
  std::vector<std::string> reachable;
  if (endpoint.is_ipc()) {
    bound_ = wire_->listen_as_master(endpoint.path);
    reachable = {bound_};
  } else {
    const auto bound = bind_addresses(endpoint);
    bound_ = fmt::format("{}", fmt::join(bound, " and "));
    reachable = reachable_endpoints(bound, settings_.advertise);
  }
  reached_at_ = reachable.front();
  if (settings_.address_file.empty()) return;
  address_file_ = AddressFile{settings_.address_file, reachable};
}

std::vector<std::string> MasterRendezvous::bind_addresses(const Endpoint& endpoint) {
  const auto addresses = listening_addresses(endpoint.host);
  check_strangers_kept_out(addresses);
  if (endpoint.host == host_name() && settings_.advertise.empty() &&
      std::all_of(addresses.begin(), addresses.end(), [](const auto& a) { return a.loopback; })) {
    log().warn(
        "--listen {}: that name stands for {} on this machine, where no other host comes in; "
        "say an interface, an address or * instead",
        settings_.listen, addresses.front().number);
  }
  return wire_->listen(addresses, PortRange{endpoint.port, endpoint.port}, true);
}

/// Without keys, everyone who can reach an address could join there, except at loopback.
void MasterRendezvous::check_strangers_kept_out(const std::vector<Address>& addresses) const {
  const auto open = std::find_if(addresses.begin(), addresses.end(),
                                 [](const Address& address) { return !address.loopback; });
  if (open == addresses.end() || !settings_.key.empty()) return;
  if (!settings_.insecure) {
    throw UsageError{fmt::format(
        "--listen {}: other hosts reach {}, and whoever reaches it could join: links "
        "have no keys. Listen on 127.0.0.1, give all of them keys, or add --insecure on "
        "a network that you trust",
        settings_.listen, open->any ? "every interface" : open->number)};
  }
  log().warn("--insecure: whoever reaches {} can join this world and read what it sends",
             settings_.listen);
}

Session MasterRendezvous::run() {
  bind();
  const Deadline deadline{settings_.join_timeout};
  Deadline next_report{std::chrono::milliseconds{500}};
  if (!complete())
    log().info("rank 0 listens on {} for {} worker{}", bound_, ranks_ - 1, ranks_ == 2 ? "" : "s");
  while (!complete()) {
    if (auto incoming = wire_->receive(deadline.sooner(next_report))) take(std::move(*incoming));
    if (complete()) break;
    if (deadline.expired()) give_up();
    if (next_report.expired()) {
      report();
      next_report = report_interval;
    }
  }
  return start();
}

void MasterRendezvous::take(Incoming&& incoming) {
  if (incoming.what == Incoming::What::down) {
    const Candidate* const gone = candidates_.at(incoming.connection);
    if (gone == nullptr) return;
    if (went_away_.admits()) {
      log().warn("a worker ({}, pid {}) went away before the start{}", gone->hello.host,
                 gone->hello.pid, went_away_.end());
    }
    candidates_.erase(*gone);
    return;
  }
  if (incoming.what != Incoming::What::frame) return;
  if (incoming.header.kind == Kind::link) {  // a worker of a world that had this port before
    send_reject(*wire_, incoming.connection, {Refusal::unknown, "it is of another world"});
    wire_->bid_farewell(incoming.connection);
    return;
  }
  auto hello = hello_of(incoming);
  if (!hello) {
    wire_->count_dropped(incoming.connection, "not a hello, before the start");
    return;
  }
  if (const auto reject = check_hello(incoming.header, *hello, settings_, ranks_)) {
    refuse(*wire_, incoming.connection, *hello, *reject);
    return;
  }
  admit(std::move(incoming), std::move(*hello));
}

void MasterRendezvous::admit(Incoming&& incoming, Hello&& hello) {
  const ConnectionId connection = incoming.connection;
  Candidate* const same = candidates_.of_process(hello.nonce);
  if (const Candidate* const here = candidates_.at(connection); here != nullptr && here != same) {
    wire_->count_dropped(connection, "it says to be another worker than before");
    wire_->show_out(connection);  // one connection, one worker
    return;
  }
  if (same != nullptr) return welcome_again(*same, connection, std::move(hello));
  if (const Candidate* const other =
          hello.wanted_rank > 0 ? candidates_.wanting(hello.wanted_rank) : nullptr) {
    if (!incoming.deferred) {  // the end of the process that had the rank may wait right behind
      wire_->defer(std::move(incoming));
      return;
    }
    refuse(*wire_, connection, hello,
           {Refusal::rank, fmt::format("rank {} is taken by {} (pid {}); ask for another or for "
                                       "none",
                                       hello.wanted_rank, other->hello.host, other->hello.pid)});
    return;
  }
  if (came_.admits()) {
    log().debug("a worker ({}, pid {}) has come{}", hello.host, hello.pid, came_.end());
  }
  wire_->let_in(connection);
  const Candidate& newcomer = candidates_.add({connection, std::move(hello)});
  // Only the newcomer is told now; the others hear of it from the next report. Telling all of them
  // each time would be 250,000 messages for a world of 500.
  welcome(newcomer);
}

/// A worker that is here has said hello again, perhaps over a new connection.
void MasterRendezvous::welcome_again(Candidate& same, ConnectionId connection, Hello&& hello) {
  if (same.connection != connection) {
    const bool newer = is_newer(hello.call, same.hello.call);
    wire_->hang_up(newer ? same.connection : connection);
    if (!newer) return;
    wire_->let_in(connection);
  }
  hello.wanted_rank = same.hello.wanted_rank;
  candidates_.replace(same, {connection, std::move(hello)});
  welcome(same);
}

void MasterRendezvous::welcome(const Candidate& candidate) {
  send_record(*wire_, candidate.connection, Kind::welcome,
              Welcome{ranks_, candidates_.count() + 1, missing(), 0});
}

/// The ranks that are missing, in words. Empty if all are here. Workers that asked for no rank get
/// theirs at the start.
std::string MasterRendezvous::missing() const {
  constexpr int named_max = 20;
  const int missing = ranks_ - 1 - candidates_.count();
  if (missing == 0) return {};
  // Workers that want none get the lowest free ranks, in the order in which they came.
  int taken = candidates_.count() - static_cast<int>(candidates_.wanted().size());
  std::vector<int> named;
  for (int rank = 1; rank < ranks_ && static_cast<int>(named.size()) < named_max; ++rank) {
    if (candidates_.wanted().contains(rank)) continue;
    if (taken-- <= 0) named.push_back(rank);
  }
  const int more = missing - static_cast<int>(named.size());
  return fmt::format("rank{} {}{}", missing == 1 ? "" : "s", fmt::join(named, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

void MasterRendezvous::report() {
  log().info("rank 0 waits for {} ({} of {} are here); join with --join {}", missing(),
             candidates_.count() + 1, ranks_, reached_at_);
  if (const auto shortage = file_shortage(); !shortage.empty()) log().warn("{}", shortage);
  const Welcome welcome{ranks_, candidates_.count() + 1, missing(), 0};
  for (const auto& [order, candidate] : candidates_.all()) {
    send_record(*wire_, candidate.connection, Kind::welcome, welcome);
  }
}

void MasterRendezvous::give_up() {
  const std::string text = fmt::format(
      "{} did not come within {} s ({} of {} were here); start them, or wait longer "
      "with --join-timeout",
      missing(), std::chrono::duration<double>(settings_.join_timeout).count(),
      candidates_.count() + 1, ranks_);
  for (const auto& [order, candidate] : candidates_.all()) {
    send_reject(*wire_, candidate.connection, {Refusal::timeout, text});
  }
  if (const auto shortage = file_shortage(); !shortage.empty()) {
    throw TransportError{fmt::format("{} did not come within {} s: {}", missing(),
                                     std::chrono::duration<double>(settings_.join_timeout).count(),
                                     shortage)};
  }
  throw Timeout{text};
}

Session MasterRendezvous::start() {
  Session session;
  session.settings = settings_;
  session.token = random_token();
  session.ranks = ranks_;
  session.limits = {settings_.window_bytes, memory_budget(settings_), ranks_};
  session.members.resize(static_cast<std::size_t>(ranks_));
  session.connections.resize(static_cast<std::size_t>(ranks_), 0);
  session.nonces.resize(static_cast<std::size_t>(ranks_), 0);
  session.hellos.resize(static_cast<std::size_t>(ranks_), 0);
  session.first_probes.resize(static_cast<std::size_t>(ranks_));
  session.members[0] = {0, host_name(), process_id(),         reached_at_,
                        0, {},          wire_->piece_bytes(), settings_.progress_thread};
  const auto place = [&](int rank, const Candidate& candidate) {
    const auto& hello = candidate.hello;
    const auto at = static_cast<std::size_t>(rank);
    session.members[at] = member_of(hello, rank, 0);
    session.connections[at] = candidate.connection;
    session.nonces[at] = hello.nonce;
    session.hellos[at] = hello.call;
    session.first_probes[at] = probe_first(*wire_, candidate.connection, hello.endpoint);
  };
  for (const auto& [order, candidate] : candidates_.all()) {
    if (candidate.hello.wanted_rank > 0) place(candidate.hello.wanted_rank, candidate);
  }
  int rank = 1;
  for (const auto& [order, candidate] : candidates_.all()) {
    if (candidate.hello.wanted_rank > 0) continue;
    while (session.connections[static_cast<std::size_t>(rank)] != 0) ++rank;
    place(rank, candidate);
  }
  tell_start(session);
  session.wire = std::move(wire_);
  session.address_file = std::move(address_file_);
  return session;
}

/// All workers share one start.
void MasterRendezvous::tell_start(Session& session) {
  std::unordered_map<std::string_view, int> of_host;
  for (const Member& member : session.members) ++of_host[member.host];
  session.host_ranks = of_host[session.members[0].host];
  const auto told = static_cast<std::ptrdiff_t>(ranks_ <= told_members_max ? ranks_ : 1);
  const Start start{ranks_,
                    {session.members.begin(), session.members.begin() + told},
                    {},
                    session.token,
                    session.limits.window_bytes,
                    session.limits.share_bytes,
                    settings_.message_bytes_max};
  const Buffer body = encode(start);
  zmq::message_t message =
      frame_of({.kind = Kind::start, .tag = protocol_version, .bytes = body.size()}, body.bytes());
  for (int rank = 1; rank < ranks_; ++rank) {
    const auto at = static_cast<std::size_t>(rank);
    const ConnectionId worker = session.connections[at];
    send_record(*wire_, worker, Kind::welcome,
                Welcome{ranks_, ranks_, {}, rank, of_host[session.members[at].host]});
    zmq::message_t shared;
    shared.copy(message);
    wire_->send(worker, std::move(shared), nullptr);
  }
}

}  // namespace

Session rendezvous_as_master(const ZmqSettings& settings) {
  return MasterRendezvous{settings}.run();
}

}  // namespace rankwire::zmq_wire
