#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "rankwire/backend/backend.hpp"
#include "rankwire/backend/backoff.hpp"
#include "rankwire/backend/host.hpp"
#include "rankwire/backend/interrupt.hpp"
#include "rankwire/backend/mailbox.hpp"
#include "rankwire/backend/texts.hpp"
#include "rankwire/backend/window.hpp"

// All ranks in one process, a thread each. The reference backend: a send moves the Buffer into the
// receiver's mailbox, so no size costs a copy.

namespace rankwire {
namespace {

using Lock = std::unique_lock<std::mutex>;

/// Where one rank's messages wait. Everything but `changes` is under `mutex`; nobody holds two.
struct Post {
  Post(int self, int size, const Settings& settings)
      : mailbox{self, size, false}, windows{size, settings.window_bytes} {}

  std::mutex mutex;
  std::condition_variable changed;        // a message, a departure or the abort has come
  std::condition_variable room;           // its owner took a message, or has departed
  std::atomic<std::uint64_t> changes{0};  // counts what `changed` says, for those who spin
  Mailbox mailbox;
  Windows windows;  // by source: what it has sent here, and what was taken
  bool departed = false;
};

/// What the ranks of one world share.
struct World {
  World(const Settings& with, int size) : settings{with} {
    for (int rank = 0; rank < size; ++rank) {
      posts.push_back(std::make_unique<Post>(rank, size, settings));
    }
  }
  Settings settings;
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
        own_{*world_->posts[static_cast<std::size_t>(rank)]} {}
  ~InprocChannel() override { depart(Departure::Kind::lost, "ended without closing its channel"); }

 private:
  void do_send(int dest, int tag, Buffer&& payload, Deadline deadline) override;
  std::optional<Event> do_next(const Wanted& wanted, Deadline deadline) override;
  std::optional<Departure> do_departure(int rank) override;
  [[nodiscard]] Info do_info() const override;
  void do_close(Deadline serve_until) override;
  void do_abort(int exit_code, const std::string& what) noexcept override;

  void check_aborted() const;
  void wait_for_room(Lock& lock, Post& there, int dest, std::size_t bytes, Deadline deadline);
  void wait_for_change(std::uint64_t seen, Backoff& backoff, Deadline deadline);
  void depart(Departure::Kind kind, const char* reason) noexcept;
  void credit(const Message& taken);

  std::shared_ptr<World> world_;
  Post& own_;
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
  {
    const Lock lock{own_.mutex};
    own_.mailbox.check_send(dest);
  }
  Post& there = *world_->posts[static_cast<std::size_t>(dest)];
  Lock lock{there.mutex};
  wait_for_room(lock, there, dest, payload.size(), deadline);
  there.windows.sent(rank(), payload.size());
  there.mailbox.push({rank(), tag, std::move(payload)});
  there.changes.fetch_add(1, std::memory_order_release);
  lock.unlock();
  there.changed.notify_one();
}

/// Returns with `lock` held on `there`.
void InprocChannel::wait_for_room(Lock& lock, Post& there, int dest, std::size_t bytes,
                                  Deadline deadline) {
  while (!there.windows.has_room(rank(), bytes)) {
    if (dest == rank() || deadline.expired()) {
      throw_no_room(rank(), dest, name_of(dest, host_name(), process_id()), bytes,
                    {there.windows.outstanding_bytes(rank()), there.windows.window_bytes()});
    }
    sleep(there.room, lock, deadline);
    const bool departed = there.departed;
    lock.unlock();
    check_aborted();
    if (departed) {
      const Lock own_lock{own_.mutex};
      own_.mailbox.check_send(dest);
    }
    lock.lock();
  }
}

std::optional<Event> InprocChannel::do_next(const Wanted& wanted, Deadline deadline) {
  Backoff backoff{world_->settings.wait};
  while (true) {
    check_aborted();
    std::optional<Event> event;
    const std::uint64_t seen = own_.changes.load(std::memory_order_acquire);
    {
      const Lock lock{own_.mutex};
      event = own_.mailbox.take(wanted);
      if (event && std::holds_alternative<Message>(*event)) credit(std::get<Message>(*event));
    }
    if (event || deadline.expired()) return event;
    wait_for_change(seen, backoff, deadline);
  }
}

/// Spins and yields as the policy says, then sleeps until woken.
void InprocChannel::wait_for_change(std::uint64_t seen, Backoff& backoff, Deadline deadline) {
  while (own_.changes.load(std::memory_order_acquire) == seen && !deadline.expired()) {
    if (backoff.may_spin()) {
      backoff.pause(deadline);
      continue;
    }
    Lock lock{own_.mutex};
    if (own_.changes.load(std::memory_order_acquire) == seen) sleep(own_.changed, lock, deadline);
    return;
  }
}

/// Makes room for the message's sender; called with own_ locked.
void InprocChannel::credit(const Message& taken) {
  const std::size_t bytes = taken.payload.size();
  if (const auto total = own_.windows.taken(taken.source, bytes)) {
    own_.windows.credited(taken.source, *total);
    own_.room.notify_all();
  }
}

std::optional<Departure> InprocChannel::do_departure(int rank) {
  check_aborted();
  const Lock lock{own_.mutex};
  const Departure* const departure = own_.mailbox.departure(rank);
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
  {
    const Lock lock{own_.mutex};
    if (own_.departed) return;
  }
  const auto departure =
      std::make_shared<const Departure>(Departure{rank(), kind, host_name(), process_id(), reason});
  for (auto& there : world_->posts) {
    if (there.get() == &own_) continue;
    const Lock lock{there->mutex};
    if (there->departed) continue;
    there->mailbox.depart(departure);
    there->changes.fetch_add(1, std::memory_order_release);
    there->changed.notify_all();
  }
  const Lock lock{own_.mutex};
  own_.departed = true;
  own_.mailbox = Mailbox{rank(), size(), false};  // nobody will take what it holds
  own_.room.notify_all();
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
