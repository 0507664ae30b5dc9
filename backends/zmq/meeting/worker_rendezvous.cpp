#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "meeting/admission.hpp"
#include "meeting/early_frames.hpp"
#include "meeting/master_search.hpp"
#include "meeting/session.hpp"
#include "rankwire/backend/host.hpp"
#include "rankwire/backend/log.hpp"
#include "sockets/listener.hpp"

namespace rankwire::zmq_wire {
namespace {

/// The place where a worker of that master listens. Over tcp its own address on the way there; over
/// ipc the path of the master, beside which its own path is.
std::string place_beside(const FoundMaster& found) {
  return is_ipc(found.endpoint) ? parse_endpoint(found.endpoint).path : found.own.number;
}

class WorkerRendezvous {
 public:
  explicit WorkerRendezvous(const ZmqSettings& settings)
      : settings_{settings},
        deadline_{settings.join_timeout},
        search_{settings, deadline_},
        keys_{read_keyring(settings)},
        wire_{std::make_unique<Wire>(silence_max(settings), keys_)} {
    std::random_device device;
    hello_ = {.job = settings.job,
              .host = host_name(),
              .pid = process_id(),
              .wanted_rank = settings.rank.value_or(-1),
              .ranks = settings.ranks.value_or(0),
              .nonce = (std::uint64_t{device()} << 32) | device(),
              .endpoint = {},
              .key = wire_->listener_key(),
              .piece_bytes = piece_bytes_min,
              .call = 0};
  }

  Session run();

 private:
  void meet();
  void listen_beside(const FoundMaster& found);
  void leave_master(const std::string& why);
  void take(Incoming&& incoming);
  void welcomed(Welcome&& welcome);
  void say_hello();
  void refused(const Reject& reject);
  void put_off(const std::string& why);
  void report();
  [[noreturn]] void give_up();
  void start(Start&& start);

  /// The master that was found last.
  struct Master {
    ConnectionId connection = 0;  // 0: the search goes on
    std::string endpoint;
    bool reached = false;  // the connection stands
  };

  const ZmqSettings& settings_;
  Deadline deadline_;
  MasterSearch search_;
  std::optional<Keyring> keys_;
  std::unique_ptr<Wire> wire_;
  Master master_;
  std::string listens_at_;  // see place_beside; empty: nowhere yet
  Hello hello_;
  // When a welcome must have come, if there are other candidates to try.
  Deadline must_answer_ = Deadline::never();
  std::chrono::milliseconds answer_within_{5000};
  std::optional<Welcome> welcome_;
  std::string put_off_;  // why the master wants this worker later
  std::optional<Session> session_;
  EarlyFrames early_;
};

Session WorkerRendezvous::run() {
  Deadline next_report{report_interval};
  while (!session_) {
    if (master_.connection == 0) meet();
    const Deadline next = deadline_.sooner(next_report).sooner(must_answer_);
    if (auto incoming = wire_->receive(next)) take(std::move(*incoming));
    if (session_) break;
    if (deadline_.expired()) give_up();
    if (must_answer_.expired()) {
      // Waits for longer next time. The master may be busy with a running world, and each new hello
      // of this worker is a newcomer to it.
      answer_within_ *= 2;
      leave_master("does not answer as a master");
    }
    if (next_report.expired()) {
      report();
      next_report = report_interval;
    }
  }
  return std::move(*session_);
}

void WorkerRendezvous::meet() {
  const FoundMaster found = search_.find(*wire_);
  master_.connection = found.connection;
  master_.endpoint = found.endpoint;
  if (listens_at_ != place_beside(found) && !listens_at_.empty()) {
    // The master found is another one, on another way. Its workers must find this one at another
    // address.
    wire_ = std::make_unique<Wire>(silence_max(settings_), keys_);
    early_ = {};
    master_.connection = wire_->dial(master_.endpoint, frame_bytes_max(piece_bytes_max));
    listen_beside(found);
  } else {
    if (listens_at_.empty()) listen_beside(found);
    say_hello();
  }
  if (search_.has_others()) must_answer_ = answer_within_;
}

/// Listens for the other workers at a place that those can reach who reach the master.
void WorkerRendezvous::listen_beside(const FoundMaster& found) {
  listens_at_ = place_beside(found);
  if (is_ipc(found.endpoint)) {
    hello_.endpoint = wire_->listen_as_worker_of(listens_at_);
    return;
  }
  const Address& own = found.own;
  if (!own.loopback && settings_.key.empty()) {
    log().warn("--insecure: whoever reaches {} can talk to this worker", own.number);
  }
  std::string endpoint =
      wire_->listen({own}, settings_.port_range.value_or(any_port), false).front();
  if (!settings_.advertise.empty()) endpoint = advertised(settings_.advertise, port_of(endpoint));
  hello_.endpoint = std::move(endpoint);
}

/// Looks for the master elsewhere first, and then at the same place again.
void WorkerRendezvous::leave_master(const std::string& why) {
  if (!why.empty()) log().warn("{} {}; looking for the master again", master_.endpoint, why);
  search_.put_last(master_.endpoint);
  wire_->hang_up(master_.connection);
  master_.connection = 0;
  master_.reached = false;
  welcome_.reset();
  must_answer_ = Deadline::never();
}

void WorkerRendezvous::take(Incoming&& incoming) {
  if (incoming.connection != master_.connection) {
    early_.keep(std::move(incoming), *wire_, welcome_ ? welcome_->ranks : 0,
                settings_.window_bytes);
    return;
  }
  switch (incoming.what) {
    case Incoming::What::up:
      put_off_.clear();
      say_hello();
      return;
    case Incoming::What::down:
      if (search_.has_others()) {
        leave_master(put_off_.empty() ? "went away" : "");
        return;
      }
      if (master_.reached && put_off_.empty())
        log().warn("the master at {} went away; trying again", master_.endpoint);
      master_.reached = false;
      welcome_.reset();
      return;
    case Incoming::What::failed:  // an earlier handshake with it had succeeded
    case Incoming::What::frame:
      break;
  }
  if (incoming.what == Incoming::What::failed) return;
  master_.reached = true;
  try {
    if (incoming.header.kind == Kind::reject) refused(reject_of(incoming.body()));
    if (incoming.header.kind == Kind::welcome) welcomed(record_of<Welcome>(incoming.body()));
    if (incoming.header.kind == Kind::start) start(record_of<Start>(incoming.body()));
  } catch (const DecodeError& error) {
    throw TransportError{
        fmt::format("{} does not answer as a master does: {}", master_.endpoint, error.what())};
  }
}

void WorkerRendezvous::welcomed(Welcome&& welcome) {
  put_off_.clear();
  welcome_ = std::move(welcome);
  must_answer_ = Deadline::never();
}

void WorkerRendezvous::say_hello() {
  hello_.piece_bytes = wire_->piece_bytes();
  hello_.gives_signs = settings_.progress_thread;
  master_.reached = true;
  ++hello_.call;
  const Buffer body = encode(hello_);
  wire_->send(master_.connection,
              {.kind = Kind::hello, .tag = protocol_version, .bytes = body.size()}, body.bytes());
}

void WorkerRendezvous::refused(const Reject& reject) {
  if (reject.refusal == Refusal::later) return put_off(reject.text);
  const std::string text =
      fmt::format("the master at {} refused this worker: {}", master_.endpoint, reject.text);
  if (reject.refusal == Refusal::timeout) throw Timeout{text};
  throw UsageError{text};
}

/// The master wants this worker later. If no other master may be meant, this worker waits: the end
/// of the connection tells it when to say hello again. Otherwise it looks for the master again.
void WorkerRendezvous::put_off(const std::string& why) {
  put_off_ = why;
  must_answer_ = Deadline::never();
  if (search_.has_others()) leave_master("");
}

void WorkerRendezvous::report() {
  if (welcome_) {
    log().info("waits with the master at {} for {} ({} of {} are here)", master_.endpoint,
               welcome_->missing.empty() ? "its start of the world" : welcome_->missing,
               welcome_->here, welcome_->ranks);
  } else if (master_.reached && !put_off_.empty()) {
    log().info("waits for the master at {}: {}", master_.endpoint, put_off_);
  } else if (master_.reached) {
    log().info("waits for an answer of the master at {}", master_.endpoint);
  } else {
    log().info("waits for {} ({})", search_.whom(), search_.what_they_say());
  }
}

void WorkerRendezvous::give_up() {
  if (!welcome_ && master_.reached && !put_off_.empty()) {
    throw Timeout{fmt::format(
        "the master at {} had no place for this worker within {} s: {}; end that world, or wait "
        "longer with --join-timeout",
        master_.endpoint, std::chrono::duration<double>(settings_.join_timeout).count(), put_off_)};
  }
  if (!welcome_) search_.give_up();
  if (welcome_->missing.empty()) {
    throw Timeout{fmt::format(
        "all {} ranks are here, and the master at {} did not start the world within {} s; look "
        "whether it runs, or wait longer with --join-timeout",
        welcome_->ranks, master_.endpoint,
        std::chrono::duration<double>(settings_.join_timeout).count())};
  }
  throw Timeout{fmt::format(
      "{} did not come within {} s ({} of {} were here); start them, or wait longer with "
      "--join-timeout",
      welcome_->missing, std::chrono::duration<double>(settings_.join_timeout).count(),
      welcome_->here, welcome_->ranks)};
}

void WorkerRendezvous::start(Start&& start) {
  const int rank = welcome_ ? welcome_->rank : 0;
  const bool sound = rank > 0 && rank < start.ranks && start.ranks <= Settings::ranks_max;
  if (!sound)
    throw TransportError{fmt::format("{} sent a table that makes no sense", master_.endpoint)};
  Session session;
  session.settings = settings_;
  session.settings.window_bytes = start.window_bytes;
  session.limits = MemoryLimits{start.window_bytes}.with_share(
      start.share_bytes, memory_budget(settings_), start.ranks);
  session.settings.message_bytes_max = start.message_bytes_max;
  session.rank = rank;
  session.ranks = start.ranks;
  session.host_ranks = std::clamp(welcome_->host_ranks, 1, start.ranks);
  session.members = std::move(start.members);
  session.members.insert(session.members.begin(), member_of(hello_, rank, 0));
  session.departed = std::move(start.departed);
  session.connections = {master_.connection};
  session.dialed = master_.endpoint;
  session.token = start.token;
  session.wire = std::move(wire_);
  session.early_dropped = early_.dropped();
  session.early = early_.take();
  session_ = std::move(session);
}

}  // namespace

Session rendezvous_as_worker(const ZmqSettings& settings) {
  return WorkerRendezvous{settings}.run();
}

}  // namespace rankwire::zmq_wire
