#include <algorithm>
#include <thread>
#include <utility>

#include "channel/zmq_channel.hpp"
#include "rankwire/backend/host.hpp"
#include "rankwire/backend/log.hpp"

// The end of the world (clause 11), which any thread may ask for. What it asked for is done by the
// thread that has the turn: the program's, which looks at it in each round of a wait, or, where
// that is outside of the channel, the one that asked. So the program's thread may come back
// meanwhile, and take what it has without a turn: nothing here touches the mailbox or the windows,
// and what comes besides acknowledgements is thrown away.

namespace rankwire::zmq_wire {
namespace {

using namespace std::chrono_literals;

/// The others acknowledge the abort, or have not heard of it.
constexpr auto told_within = 1s;
/// For whoever has the turn to do it: a round of a wait, and the above.
constexpr auto done_within = 2s;

}  // namespace

void ZmqChannel::do_abort(int exit_code, const std::string& what) noexcept {
  ask_abort(exit_code, what);
  const Deadline end = done_within;
  while (!abort_done_ && !end.expired()) {
    if (turns_->try_enter()) {
      abort_now();
      turns_->leave();
    } else {
      std::this_thread::sleep_for(1ms);
    }
  }
}

void ZmqChannel::ask_abort(int exit_code, const std::string& what) noexcept {
  const std::lock_guard lock{abort_mutex_};
  if (abort_asked_) return;
  asked_.rank = rank();
  asked_.pid = process_id();
  asked_.exit_code = exit_code;
  try {
    asked_.host = host_name();
    asked_.what = what.substr(0, cause_bytes_max);
  } catch (const std::bad_alloc&) {  // then in fewer words
  }
  abort_asked_.store(true, std::memory_order_release);
}

/// By whoever has the turn. An abort by another rank that came before stands.
void ZmqChannel::abort_now() noexcept {
  if (abort_done_) return;
  try {
    if (wire_ && !is_aborted()) {
      note_aborted(Abort{asked_});
      wire_->ignore_interrupts();
      say_last_to_all(Kind::abort, encode(asked_));
      await_abort_told();
      wire_->set_linger(0ms);
    }
  } catch (const std::exception& error) {
    log().error("could not tell the others of the abort: {}", error.what());
  }
  abort_done_ = true;
}

/// From now on calls throw Aborted. Once, with the turn.
void ZmqChannel::note_aborted(Abort&& abort) {
  aborted_ = std::move(abort);
  is_aborted_.store(true, std::memory_order_release);
}

void ZmqChannel::await_abort_told() {
  const Deadline told = told_within;
  while (!all_told() && !told.expired()) {
    if (const auto incoming = wire_->receive(told)) take_answer(*incoming);
  }
}

void ZmqChannel::take_answer(const Incoming& incoming) {
  const auto found = links_.find(incoming.connection);
  if (incoming.what == Incoming::What::up) {
    process_up(incoming);
  } else if (incoming.what == Incoming::What::frame && incoming.header.kind == Kind::link) {
    answer_call(incoming);
  } else if (found == links_.end()) {
    return;
  } else if (incoming.what == Incoming::What::frame) {
    (void)found->second->take(incoming.header, incoming.first.size() + incoming.chunk.size());
  } else if (incoming.what == Incoming::What::down &&
             found->second->route() == incoming.connection) {
    found->second->detach();
  }
}

/// A rank of this world whose connection broke calls again.
void ZmqChannel::answer_call(const Incoming& incoming) try {
  const auto hello = decode<LinkHello>(incoming.body());
  const bool is_ours = hello.token == token_ && hello.to_rank == rank() && hello.rank > 0 &&
                       hello.rank < size() && hello.rank != rank();
  if (!is_ours) return;
  const Peer& there = peer(hello.rank);
  if (there.departed || hello.incarnation != there.member.incarnation) return;
  adopt_call(hello, incoming.connection, incoming.header.ack);
} catch (const DecodeError&) {  // no call of ours
}

/// As far as there is an answer to hear. To those beyond the relay the master says it as well.
bool ZmqChannel::all_told() const {
  const auto links = last_links();
  return std::all_of(links.begin(), links.end(), [](const Link* link) {
    return link->all_acknowledged() || is_relayed(link->route());
  });
}

}  // namespace rankwire::zmq_wire
