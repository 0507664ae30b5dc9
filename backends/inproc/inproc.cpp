#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "departure_news.hpp"
#include "rankwire/backend/backend.hpp"
#include "rankwire/backend/backoff.hpp"
#include "rankwire/backend/host.hpp"
#include "rankwire/backend/interrupt.hpp"
#include "rankwire/backend/ledger.hpp"
#include "shared_world.hpp"

// All ranks live in one process, each in a thread. This is the reference backend. A send moves the
// Buffer to the receiver, so no size costs a copy. The receiver takes all messages that have
// arrived at once, under one lock, and matches them without a lock. Only messages that are not
// asked for pass through its mailbox.

namespace rankwire {
namespace {

using Lock = std::unique_lock<std::mutex>;

class InprocChannel final : public Channel {
 public:
  InprocChannel(std::shared_ptr<SharedWorld> world, int rank)
      : Channel{{rank, world->size(), world->settings.message_bytes_max}},
        world_{std::move(world)},
        own_{world_->post(rank)},
        ledger_{rank, size(), world_->settings.window_bytes, {}, world_->end},
        news_{world_->departures(), ledger_},
        backoff_{world_->wait},
        departure_{std::make_shared<Departure>(
            Departure{rank, Departure::Kind::lost, host_name(), process_id(), lost_reason})} {}
  ~InprocChannel() override {
    if (is_own_process()) depart(Departure::Kind::lost, lost_reason);
  }

 private:
  static constexpr const char* lost_reason = "ended without closing its channel";
  static constexpr const char* left_reason = "closed its channel";
  static_assert(std::char_traits<char>::length(left_reason) <=
                    std::char_traits<char>::length(lost_reason),
                "to be put in its place without an allocation");

  void do_send(int dest, int tag, Buffer&& payload, Deadline deadline) override;
  std::optional<Event> do_next(const Wanted& wanted, Deadline deadline) override;
  std::optional<Departure> do_departure(int rank) override;
  [[nodiscard]] Info do_info() const override;
  void do_close(Deadline serve_until) override;
  void do_abort(int exit_code, const std::string& what) noexcept override;

  void check() const;
  [[nodiscard]] Post& post(int rank) { return world_->post(rank); }
  void wait_for_room(int dest, std::size_t bytes, Deadline deadline);
  void refuse_send(int dest);
  [[nodiscard]] bool has_changed() const;
  bool take_in();
  void take_all();
  void wait_for_change(const Wanted& wanted, Deadline deadline);
  void depart(Departure::Kind kind, const char* reason) noexcept;
  void credit(const Message& message);
  void wake_senders();

  /// The rounds of a wait for what comes to this rank (see wait_until).
  struct ForArrivals {
    InprocChannel& channel;
    const Wanted& wanted;
    void check() const { channel.check(); }
    bool step(Deadline until) const;
    void settle() const { channel.settle(); }
  };
  /// The rounds of a wait for room at another rank. Messages for this one lie in its post
  /// meanwhile, and hold nobody up.
  struct ForRoom {
    InprocChannel& channel;
    int dest;
    std::uint64_t seen = 0;  // bytes that `dest` has taken of this rank, at the last look
    void look();
    void check() const;
    bool step(Deadline until);
    void settle() const { channel.settle(); }
  };
  void settle();

  std::shared_ptr<SharedWorld> world_;
  Post& own_;
  std::uint64_t changes_seen_ = 0;      // of own_.changes
  std::size_t departures_to_know_ = 0;  // how many are known when all of arrived_ is in the mailbox
  Ledger ledger_;
  DepartureNews news_;
  Backoff backoff_;
  // Messages that have arrived and are younger than those in the mailbox: arrived_ from next_ on.
  // This vector and that of own_ are swapped, in turn.
  std::vector<Message> arrived_;
  std::size_t next_ = 0;
  std::shared_ptr<Departure> departure_;  // made in advance: memory may be short at the end
};

/// Waits on a condition. In slices, since a signal wakes none.
void sleep(std::condition_variable& condition, Lock& lock, Deadline deadline) {
  condition.wait_until(lock, deadline.sooner(std::chrono::milliseconds{50}).moment());
}

void InprocChannel::check() const {
  check_interrupted();
  ledger_.end().check();
}

void InprocChannel::do_send(int dest, int tag, Buffer&& payload, Deadline deadline) {
  check();
  if (dest == rank()) {
    take_all();  // messages that came before this one
    return ledger_.send_to_self(tag, std::move(payload));
  }
  if (!ledger_.has_room(dest, payload.size())) [[unlikely]]
    wait_for_room(dest, payload.size(), deadline);
  Post& there = post(dest);
  bool departed = false;
  {
    const Lock lock{there.mutex};
    departed = there.departure != nullptr;
    if (!departed) [[likely]] {
      auto& message = there.messages.emplace_back();
      ledger_.sent(dest, payload.size());
      message.source = rank();
      message.tag = tag;
      message.payload = std::move(payload);
      there.changes.fetch_add(1, std::memory_order_release);
    }
  }
  if (departed) return refuse_send(dest);
  there.changed.notify_one();
}

void InprocChannel::wait_for_room(int dest, std::size_t bytes, Deadline deadline) {
  ForRoom rounds{*this, dest};
  rounds.look();
  ledger_.wait_for_room(rounds, dest, bytes, deadline);
}

void InprocChannel::ForRoom::look() {
  seen = channel.post(dest).taken[channel.rank()].load(std::memory_order_acquire);
  channel.ledger_.credited(dest, seen);
}

void InprocChannel::ForRoom::check() const {
  channel.check();
  if (channel.post(dest).owner_departed()) channel.refuse_send(dest);
}

bool InprocChannel::ForRoom::step(Deadline until) {
  Post& there = channel.post(dest);
  if (!until.is_poll()) {
    channel.settle();
    Lock lock{there.mutex};
    const auto& taken = there.taken[channel.rank()];
    if (!there.departure && seen == taken.load(std::memory_order_acquire)) {
      sleep(there.room, lock, until);
    }
  }
  look();
  return false;
}

/// Throws: `dest` has departed, perhaps this very moment, and this rank may hear of it only here.
/// From now on its mailbox knows. All that `dest` sent has arrived by now.
void InprocChannel::refuse_send(int dest) {
  take_all();
  ledger_.depart(post(dest).departure);
  ledger_.check_send(dest);
}

std::optional<Event> InprocChannel::do_next(const Wanted& wanted, Deadline deadline) {
  check();
  news_.tell(wanted);
  auto event = ledger_.take(wanted);
  if (!event) {
    ForArrivals rounds{*this, wanted};
    backoff_.resume();
    ledger_.wait_for(rounds, wanted, deadline, event);
  }
  if (event) {
    if (const auto* const message = std::get_if<Message>(&*event)) credit(*message);
  }
  return event;
}

bool InprocChannel::ForArrivals::step(Deadline until) const {
  if (channel.take_in()) {
    channel.news_.tell(wanted);
    channel.backoff_.begin_again();
    return true;
  }
  if (!until.is_poll()) channel.wait_for_change(wanted, until);
  return false;
}

/// Whether something may have come that was not taken in.
bool InprocChannel::has_changed() const {
  return own_.changes.load(std::memory_order_acquire) != changes_seen_ ||
         world_->departures().count() != news_.known();
}

/// Moves some of the messages that have arrived into the mailbox, up to the one that is waited for.
/// False if nothing had arrived.
bool InprocChannel::take_in() {
  constexpr std::size_t messages_max = 256;
  if (next_ == arrived_.size()) {
    if (!has_changed()) return false;
    arrived_.clear();
    next_ = 0;
    const Lock lock{own_.mutex};
    changes_seen_ = own_.changes.load(std::memory_order_relaxed);
    // Read before the messages, so that what the departed rank had sent is among them.
    departures_to_know_ = world_->departures().count();
    arrived_.swap(own_.messages);
  }
  const std::size_t end = std::min(arrived_.size(), next_ + messages_max);
  while (next_ < end && !ledger_.mailbox().met()) ledger_.push(std::move(arrived_[next_++]));
  if (next_ < arrived_.size()) return true;
  if (departures_to_know_ != news_.known()) [[unlikely]] {
    // A rank that aborts and then departs reports both, in this order. It was not lost: the world
    // has ended.
    ledger_.end().check();
    news_.know(departures_to_know_);
  }
  return true;
}

/// Takes in all that is there now.
void InprocChannel::take_all() {
  const auto now = own_.changes.load(std::memory_order_acquire);
  while (next_ < arrived_.size() || changes_seen_ < now) take_in();
}

/// Rests for a moment, awake or asleep, as the policy says. Shorter if something arrives.
void InprocChannel::wait_for_change(const Wanted& wanted, Deadline deadline) {
  if (backoff_.rest_awake([this] { return has_changed(); })) return;
  settle();
  Lock lock{own_.mutex};
  if (!own_.listed) {
    lock.unlock();
    world_->list_sleeper(rank());
    lock.lock();
  }
  if (has_changed()) return;
  own_.awaited = &wanted;
  sleep(own_.changed, lock, deadline.sooner(ledger_.settles_at()));
  own_.awaited = nullptr;
}

/// Makes room for the sender of a message that the program has taken.
void InprocChannel::credit(const Message& message) {
  const auto total = ledger_.taken(message.source, message.payload.size());
  if (message.source == rank()) return;
  auto& taken = own_.taken.at(message.source);
  taken.store(taken.load(std::memory_order_relaxed) + Windows::cost_bytes(message.payload.size()),
              std::memory_order_release);
  if (total) wake_senders();
}

void InprocChannel::wake_senders() {
  { const Lock lock{own_.mutex}; }  // waits for a sender between its look and its sleep
  own_.room.notify_all();
}

void InprocChannel::settle() {
  bool wakes = false;
  ledger_.settle([&](int, std::uint64_t) { wakes = true; });
  if (wakes) wake_senders();
}

std::optional<Departure> InprocChannel::do_departure(int rank) {
  constexpr int looks_max = 40;
  check();
  for (int look = 0; look < looks_max && take_in(); ++look) {
  }
  news_.tell(rank);
  settle();
  return ledger_.departure(rank);
}

Info InprocChannel::do_info() const {
  Info info = ledger_.info();
  info.transport = "inproc";
  info.progress = true;
  info.library = "threads of one process";
  return info;
}

/// Departs. Allocates nothing: the process may be ending because it could not.
void InprocChannel::depart(Departure::Kind kind, const char* reason) noexcept {
  if (own_.departure) return;
  departure_->kind = kind;
  departure_->reason = reason;
  std::vector<Message> unread;  // nobody will take these
  {
    const Lock lock{own_.mutex};
    own_.departure = departure_;
    own_.messages.swap(unread);
  }
  arrived_.clear();
  next_ = 0;
  ledger_.forget_messages();
  own_.room.notify_all();
  world_->depart(departure_);
}

void InprocChannel::do_close(Deadline) {
  // All that was sent is delivered already, and the others do not need this rank's thread.
  depart(Departure::Kind::left, left_reason);
  ledger_.end().check();
}

void InprocChannel::do_abort(int exit_code, const std::string& what) noexcept {
  if (world_->end->record(rank(), {}, 0, exit_code, what)) world_->call_all();
}

std::vector<std::unique_ptr<Channel>> open_inproc(const Settings& settings) {
  const int size = settings.ranks.value_or(Settings::ranks_default);
  const auto world = std::make_shared<SharedWorld>(settings, size);
  std::vector<std::unique_ptr<Channel>> channels;
  for (int rank = 0; rank < size; ++rank) {
    channels.push_back(std::make_unique<InprocChannel>(world, rank));
  }
  return channels;
}

}  // namespace

extern const Backend inproc_backend;
const Backend inproc_backend{"inproc", open_inproc};

}  // namespace rankwire
