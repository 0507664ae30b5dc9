#include <fmt/format.h>

#include <random>
#include <thread>

#include "address.hpp"
#include "probe.hpp"
#include "rankwire/backend/host.hpp"
#include "rankwire/backend/interrupt.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/backend/window.hpp"
#include "session.hpp"

namespace rankwire::zmq_wire {
namespace {

std::string try_connect(const Address& address, std::uint16_t port) {
  auto probes = probe_all({address.endpoint(fmt::format("{}", port))}, std::chrono::seconds{1});
  auto& probe = probes.front();
  return probe.outcome() == Probe::Outcome::accepted ? std::string{} : probe.text();
}
class WorkerRendezvous {
 public:
  explicit WorkerRendezvous(const Settings& settings)
      : settings_{settings},
        master_{parse_endpoint(settings.join)},
        deadline_{settings.join_timeout},
        wire_{std::make_unique<Wire>(silence_max(settings))} {}

  Session run();

 private:
  Address find_master();
  void bind_towards(const Address& master);
  void take(Incoming&& incoming);
  void keep_for_later(Incoming&& incoming);
  void say_hello();
  void refused(const Reject& reject) const;
  void report();
  [[noreturn]] void give_up();
  void start(Start&& start);

  const Settings& settings_;
  Endpoint master_;
  Deadline deadline_;
  std::unique_ptr<Wire> wire_;
  ConnectionId connection_ = 0;
  Hello hello_;
  Address address_;
  std::string dialed_;
  bool reached_ = false;
  std::optional<Welcome> welcome_;
  std::optional<Session> session_;
  std::vector<Incoming> early_;
  std::uint64_t early_bytes_ = 0;
  bool early_dropped_ = false;
};

Session WorkerRendezvous::run() {
  address_ = find_master();
  bind_towards(address_);
  dialed_ = address_.endpoint(fmt::format("{}", master_.port));
  connection_ = wire_->dial(dialed_, master_frame_bytes_max);
  Deadline next_report{report_each};
  while (!session_) {
    if (auto incoming = wire_->receive(deadline_.sooner(next_report))) take(std::move(*incoming));
    if (session_) break;
    if (deadline_.expired()) give_up();
    if (next_report.expired()) {
      report();
      next_report = report_each;
    }
  }
  return std::move(*session_);
}

/// Which of several addresses of the master to dial: the first that accepts a connection.
Address WorkerRendezvous::find_master() {
  const auto addresses = resolve(master_.host);
  if (addresses.size() == 1) return addresses.front();
  Deadline next_report{report_each};
  while (true) {
    for (const auto& address : addresses) {
      if (try_connect(address, master_.port).empty()) return address;
    }
    check_interrupted();
    address_ = addresses.front();
    if (deadline_.expired()) give_up();
    if (next_report.expired()) {
      report();
      next_report = report_each;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
  }
}

/// Listens for the other workers where those who reach the master find this one too.
void WorkerRendezvous::bind_towards(const Address& master) {
  const Address own = local_address_towards(master, master_.port);
  if (!own.loopback) {
    if (!settings_.insecure) {
      throw UsageError{fmt::format(
          "--join {}: the other workers would reach this one at {}, and so would strangers: links "
          "have no keys yet. Add --insecure on a network that you trust",
          settings_.join, own.number)};
    }
    log().warn("--insecure: whoever reaches {} can talk to this worker", own.number);
  }
  std::random_device device;
  hello_ = {.job = settings_.job,
            .host = host_name(),
            .pid = process_id(),
            .wanted_rank = settings_.rank.value_or(-1),
            .ranks = settings_.ranks.value_or(0),
            .nonce = (std::uint64_t{device()} << 32) | device(),
            .endpoint = wire_->listen(own.endpoint("*")),
            .key = {}};
}

void WorkerRendezvous::take(Incoming&& incoming) {
  if (incoming.connection != connection_) {
    keep_for_later(std::move(incoming));
    return;
  }
  switch (incoming.what) {
    case Incoming::What::up:
      say_hello();
      return;
    case Incoming::What::down:
      if (reached_) log().warn("the master at {} went away; trying again", settings_.join);
      reached_ = false;
      welcome_.reset();
      return;
    case Incoming::What::frame:
      break;
  }
  reached_ = true;
  try {
    if (incoming.header.kind == Kind::reject) refused(reject_of(incoming.body()));
    if (incoming.header.kind == Kind::welcome) welcome_ = decode<Welcome>(incoming.body());
    if (incoming.header.kind == Kind::start) start(decode<Start>(incoming.body()));
  } catch (const DecodeError& error) {
    throw TransportError{
        fmt::format("{} does not answer as a master does: {}", settings_.join, error.what())};
  }
}

/// Other workers whose start came earlier than ours may send already; the channel takes it up.
void WorkerRendezvous::keep_for_later(Incoming&& incoming) {
  if (incoming.what != Incoming::What::frame) return;
  early_bytes_ += incoming.first.size() + incoming.chunk.size() + Windows::message_overhead_bytes;
  if (early_bytes_ > settings_.window_bytes) {
    early_dropped_ = true;  // is sent again
  } else {
    early_.push_back(std::move(incoming));
  }
}

void WorkerRendezvous::say_hello() {
  reached_ = true;
  const Buffer body = encode(hello_);
  wire_->send(connection_, {.kind = Kind::hello, .tag = protocol_version, .bytes = body.size()},
              body.bytes());
}

void WorkerRendezvous::refused(const Reject& reject) const {
  const std::string text =
      fmt::format("the master at {} refused this worker: {}", settings_.join, reject.text);
  if (reject.refusal == Refusal::timeout) throw Timeout{text};
  throw UsageError{text};
}

void WorkerRendezvous::report() {
  if (welcome_) {
    log().info("waits with the master at {} for {} ({} of {} are here)", settings_.join,
               welcome_->missing, welcome_->here, welcome_->ranks);
  } else if (reached_) {
    log().info("waits for an answer of the master at {}", settings_.join);
  } else {
    const std::string why = try_connect(address_, master_.port);
    log().info("waits for the master at {} ({})", settings_.join,
               why.empty() ? "somebody listens there, but is silent" : why);
  }
}

void WorkerRendezvous::give_up() {
  const double waited = std::chrono::duration<double>(settings_.join_timeout).count();
  if (welcome_) {
    throw Timeout{
        fmt::format("{} did not come within {} s ({} of {} were here); start them, or "
                    "wait longer with --join-timeout",
                    welcome_->missing, waited, welcome_->here, welcome_->ranks)};
  }
  const std::string why = try_connect(address_, master_.port);
  throw Timeout{
      fmt::format("no master at {} within {} s: {}; start it with --listen, check host and port, "
                  "or wait longer "
                  "with --join-timeout",
                  settings_.join, waited,
                  why.empty() ? "somebody listens there, but does not answer as a master" : why)};
}

void WorkerRendezvous::start(Start&& start) {
  const auto ranks = start.members.size();
  const bool sound = start.rank > 0 && static_cast<std::size_t>(start.rank) < ranks &&
                     ranks <= static_cast<std::size_t>(Settings::ranks_max);
  if (!sound)
    throw TransportError{fmt::format("{} sent a table that makes no sense", settings_.join)};
  Session session;
  session.settings = settings_;
  session.settings.window_bytes = start.window_bytes;
  session.settings.message_bytes_max = start.message_bytes_max;
  session.rank = start.rank;
  session.members = std::move(start.members);
  session.departed = std::move(start.departed);
  session.connections.resize(ranks, 0);
  session.connections[0] = connection_;
  session.dialed = dialed_;
  session.token = start.token;
  session.wire = std::move(wire_);
  session.early = std::move(early_);
  session.early_dropped = early_dropped_;
  session_ = std::move(session);
}

}  // namespace

Session rendezvous_as_worker(const Settings& settings) {
  return WorkerRendezvous{settings}.run();
}

}  // namespace rankwire::zmq_wire
