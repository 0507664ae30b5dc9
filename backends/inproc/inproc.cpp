#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "rankwire/backend/backend.hpp"
#include "rankwire/backend/backoff.hpp"
#include "rankwire/backend/cores.hpp"
#include "rankwire/backend/host.hpp"
#include "rankwire/backend/interrupt.hpp"
#include "rankwire/backend/mailbox.hpp"
#include "rankwire/backend/texts.hpp"
#include "rankwire/backend/window.hpp"

// All ranks in one process, a thread each. The reference backend: a send moves the Buffer to the
// receiver, so no size costs a copy. The receiver takes all that has arrived at once, under one
// lock for many messages, and matches without one.

namespace rankwire {
namespace {

using Lock = std::unique_lock<std::mutex>;

/// Two words that other cores write lie so far apart.
constexpr std::size_t cache_line_bytes = 64;

/// Where what others have for one rank waits for it. Everything but `changes` is under `mutex`;
/// nobody holds two. The vectors keep their memory: a steady flow allocates nothing.
struct Post {
  explicit Post(int size) : taken(static_cast<std::size_t>(size)) {}

  std::mutex mutex;
  std::condition_variable changed;  // something has arrived, or the abort has come
  std::condition_variable room;     // its owner took a message, or has departed
  std::vector<Message> messages;
  std::vector<std::shared_ptr<const Departure>> departures;  // after the messages of those ranks
  std::vector<std::uint64_t> taken;                          // by source: the credit, see Windows
  std::shared_ptr<const Departure> departure;  // its owner's; set before anybody hears of it
  // Counts what `changed` says, for its owner, who spins on it.
  alignas(cache_line_bytes) std::atomic<std::uint64_t> changes{0};
};

/// What the ranks of one world share.
struct World {
  World(const Settings& with, int size)
      : settings{with},
        wait{wait_policy(
            with.wait,
            {.ranks = size, .cores = usable_cores(allowed_cores(), core_quota()), .woken = true})} {
    for (int rank = 0; rank < size; ++rank) {
      posts.push_back(std::make_unique<Post>(size));
    }
  }
  Settings settings;
  WaitPolicy wait;
  std::vector<std::unique_ptr<Post>> posts;
  std::atomic<bool> aborted{false};
  std::mutex abort_mutex;  // guards the two below
  std::string abort_cause;
  int abort_rank = 0;
};

class InprocChannel final : public Channel {
 public:
  InprocChannel(std::shared_ptr<World> world, int rank)
      : Channel{{rank, static_cast<int>(world->posts.size()), world->settings.message_bytes_max}},
        world_{std::move(world)},
        own_{*world_->posts[static_cast<std::size_t>(rank)]},
        mailbox_{rank, size(), false},
        windows_{size(), world_->settings.window_bytes} {}
  ~InprocChannel() override { depart(Departure::Kind::lost, "ended without closing its channel"); }

 private:
  void do_send(int dest, int tag, Buffer&& payload, Deadline deadline) override;
  std::optional<Event> do_next(const Wanted& wanted, Deadline deadline) override;
  std::optional<Departure> do_departure(int rank) override;
  [[nodiscard]] Info do_info() const override;
  void do_close(Deadline serve_until) override;
  void do_abort(int exit_code, const std::string& what) noexcept override;

  void check_aborted() const;
  [[nodiscard]] Post& post(int rank) { return *world_->posts[static_cast<std::size_t>(rank)]; }
  void send_to_self(int tag, Buffer&& payload);
  void wait_for_room(Lock& lock, Post& there, int dest, std::size_t bytes, Deadline deadline);
  [[noreturn]] void refuse_send(Lock& lock, const Post& there);
  std::optional<Event> look(const Wanted& wanted);
  bool take_in();
  void wait_for_change(Backoff& backoff, Deadline deadline);
  void depart(Departure::Kind kind, const char* reason) noexcept;
  void credit(const Message& message);

  std::shared_ptr<World> world_;
  Post& own_;
  std::uint64_t changes_seen_ = 0;  // of own_.changes: what is in the mailbox
  Mailbox mailbox_;
  Windows windows_;
  // Empty between calls; own_'s vectors take turns with them.
  std::vector<Message> messages_;
  std::vector<std::shared_ptr<const Departure>> departures_;
  bool departed_ = false;
};

/// A wait on a condition: in slices, since a signal wakes none.
void sleep(std::condition_variable& condition, Lock& lock, Deadline deadline) {
  condition.wait_until(lock, deadline.sooner(std::chrono::milliseconds{50}).moment());
}

void InprocChannel::check_aborted() const {
  check_interrupted();
  if (!world_->aborted.load(std::memory_order_acquire)) return;
  const std::lock_guard lock{world_->abort_mutex};
  throw Aborted{
      fmt::format("{} ended the world: {}", name_of(world_->abort_rank, host_name(), process_id()),
                  world_->abort_cause),
      world_->abort_rank};
}

void InprocChannel::do_send(int dest, int tag, Buffer&& payload, Deadline deadline) {
  check_aborted();
  if (dest == rank()) return send_to_self(tag, std::move(payload));
  Post& there = post(dest);
  Lock lock{there.mutex};
  if (there.departure) refuse_send(lock, there);
  if (!windows_.has_room(dest, payload.size())) {
    wait_for_room(lock, there, dest, payload.size(), deadline);
  }
  auto& message = there.messages.emplace_back();
  windows_.sent(dest, payload.size());
  message.source = rank();
  message.tag = tag;
  message.payload = std::move(payload);
  there.changes.fetch_add(1, std::memory_order_release);
  lock.unlock();
  there.changed.notify_one();
}

void InprocChannel::send_to_self(int tag, Buffer&& payload) {
  const std::size_t bytes = payload.size();
  if (!windows_.has_room(rank(), bytes)) {
    throw_no_room(rank(), rank(), name_of(rank(), host_name(), process_id()), bytes,
                  {windows_.outstanding_bytes(rank()), windows_.window_bytes()});
  }
  take_in();  // what has come before
  mailbox_.push({rank(), tag, std::move(payload)});
  windows_.sent(rank(), bytes);
}

/// `lock` is held on `there`, at the return too.
void InprocChannel::wait_for_room(Lock& lock, Post& there, int dest, std::size_t bytes,
                                  Deadline deadline) {
  while (true) {
    windows_.credited(dest, there.taken[static_cast<std::size_t>(rank())]);
    if (windows_.has_room(dest, bytes)) return;
    if (deadline.expired()) {
      throw_no_room(rank(), dest, name_of(dest, host_name(), process_id()), bytes,
                    {windows_.outstanding_bytes(dest), windows_.window_bytes()});
    }
    sleep(there.room, lock, deadline);
    if (there.departure) refuse_send(lock, there);
    lock.unlock();
    check_aborted();
    lock.lock();
  }
}

/// Its owner has departed, perhaps this very moment: then this rank hears of it here, and its
/// mailbox knows from now on. All that it sent has arrived by now.
void InprocChannel::refuse_send(Lock& lock, const Post& there) {
  const auto departure = there.departure;
  lock.unlock();
  take_in();
  mailbox_.depart(departure);
  throw_departure(*departure, fmt::format("rank {} sent to it", rank()));
}

std::optional<Event> InprocChannel::do_next(const Wanted& wanted, Deadline deadline) {
  Backoff backoff{world_->wait};
  while (true) {
    check_aborted();
    auto event = look(wanted);
    if (event || deadline.expired()) return event;
    wait_for_change(backoff, deadline);
  }
}

std::optional<Event> InprocChannel::look(const Wanted& wanted) {
  if (mailbox_.messages() == 0) take_in();
  auto event = mailbox_.take(wanted);
  if (!event && take_in()) event = mailbox_.take(wanted);
  if (event) {
    if (const auto* const message = std::get_if<Message>(&*event)) credit(*message);
  }
  return event;
}

/// Moves what has arrived into the mailbox; says whether anything had.
bool InprocChannel::take_in() {
  if (own_.changes.load(std::memory_order_acquire) == changes_seen_) return false;
  {
    const Lock lock{own_.mutex};
    changes_seen_ = own_.changes.load(std::memory_order_relaxed);
    messages_.swap(own_.messages);
    departures_.swap(own_.departures);
  }
  for (auto& message : messages_) mailbox_.push(std::move(message));
  messages_.clear();
  for (auto& departure : departures_) mailbox_.depart(std::move(departure));
  departures_.clear();
  return true;
}

/// Rests for a moment as the policy says, awake or asleep; less when something arrives.
void InprocChannel::wait_for_change(Backoff& backoff, Deadline deadline) {
  const auto changed = [this] {
    return own_.changes.load(std::memory_order_acquire) != changes_seen_;
  };
  if (backoff.rest_awake(changed)) return;
  Lock lock{own_.mutex};
  if (!changed()) sleep(own_.changed, lock, deadline);
}

/// Makes room for the message's sender.
void InprocChannel::credit(const Message& message) {
  const auto total = windows_.taken(message.source, message.payload.size());
  if (!total) return;
  if (message.source == rank()) {
    windows_.credited(rank(), *total);
    return;
  }
  {
    const Lock lock{own_.mutex};
    own_.taken[static_cast<std::size_t>(message.source)] = *total;
  }
  own_.room.notify_all();
}

std::optional<Departure> InprocChannel::do_departure(int rank) {
  check_aborted();
  take_in();
  const Departure* const departure = mailbox_.departure(rank);
  return departure == nullptr ? std::nullopt : std::optional{*departure};
}

Info InprocChannel::do_info() const {
  Info info;
  info.transport = "inproc";
  info.library = "threads of one process";
  for (int rank = 0; rank < size(); ++rank) {
    info.peers.push_back({rank, host_name(), process_id(), {}});
  }
  info.window_bytes = world_->settings.window_bytes;
  return info;
}

void InprocChannel::depart(Departure::Kind kind, const char* reason) noexcept {
  if (departed_) return;
  departed_ = true;
  const auto departure =
      std::make_shared<const Departure>(Departure{rank(), kind, host_name(), process_id(), reason});
  std::vector<Message> unread;  // nobody will take what is there
  {
    const Lock lock{own_.mutex};
    own_.departure = departure;
    own_.messages.swap(unread);
    own_.room.notify_all();
  }
  mailbox_ = Mailbox{rank(), size(), false};
  for (auto& there : world_->posts) {
    if (there.get() == &own_) continue;
    const Lock lock{there->mutex};
    if (there->departure) continue;
    there->departures.push_back(departure);
    there->changes.fetch_add(1, std::memory_order_release);
    there->changed.notify_all();
  }
}

void InprocChannel::do_close(Deadline) {
  // Delivered is what was sent, and nobody needs this rank's thread to hear from the others.
  depart(Departure::Kind::left, "closed its channel");
}

void InprocChannel::do_abort(int, const std::string& what) noexcept {
  {
    const std::lock_guard lock{world_->abort_mutex};
    if (world_->aborted.load()) return;
    world_->abort_cause = what;
    world_->abort_rank = rank();
    world_->aborted.store(true, std::memory_order_release);
  }
  for (auto& there : world_->posts) {
    const Lock lock{there->mutex};
    there->changes.fetch_add(1, std::memory_order_release);
    there->changed.notify_all();
    there->room.notify_all();
  }
}

std::vector<std::unique_ptr<Channel>> open_inproc(const Settings& settings) {
  const int size = settings.ranks.value_or(Settings::ranks_default);
  const auto world = std::make_shared<World>(settings, size);
  std::vector<std::unique_ptr<Channel>> channels;
  channels.reserve(static_cast<std::size_t>(size));
  for (int rank = 0; rank < size; ++rank) {
    channels.push_back(std::make_unique<InprocChannel>(world, rank));
  }
  return channels;
}

}  // namespace

extern const Backend inproc_backend;
const Backend inproc_backend{"inproc", open_inproc};

}  // namespace rankwire
