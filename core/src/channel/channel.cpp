#include "rankwire/channel.hpp"

#include <fmt/format.h>

#include <cstring>
#include <system_error>

#include "channel/process_mark.hpp"
#include "rankwire/backend/host.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/backend/progress.hpp"

namespace rankwire {

Channel::Call::Call(const Channel& channel) : channel_{channel} {
  if (!channel_.is_own_process()) [[unlikely]] {
    throw UsageError{fmt::format(
        "rank {}: process {} was forked from this rank, and a channel is of the process that "
        "opened it; let that one do all calls (clause 9)",
        channel_.rank(), process_id())};
  }
  if (!channel_.handover_.enter()) [[unlikely]] {
    throw UsageError{fmt::format(
        "rank {}: two threads use one channel at the same time; let one thread do all calls, or "
        "lock around them (clause 9)",
        channel_.rank())};
  }
}

Channel::Use::Use(Channel& channel) : call_{channel} {
  if (!channel.closed_ && !channel.fault_) channel.do_stay_out();
}

Channel::Channel(Place place) : place_{place}, process_{process_mark()} {}

Channel::~Channel() {
  stop_progress();
}

bool Channel::start_progress() {
  try {
    progress_ = std::make_unique<Progress>(handover_, [this] {
      const bool found = move_on();
      return Progress::Moved{found, fault_ ? -1 : do_progress_file()};
    });
    return true;
  } catch (const std::system_error& error) {
    log().warn(
        "rank {}: no thread to move messages on while the program computes ({}); they move in its "
        "calls only, as with --progress call",
        rank(), error.what());
    return false;
  }
}

void Channel::stop_progress() noexcept {
  // A forked process has a copy, and no such thread.
  if (is_own_process()) {
    progress_.reset();
  } else {
    (void)progress_.release();
  }
}

bool Channel::move_on() noexcept {
  if (fault_) return false;
  try {
    return do_progress();
  } catch (...) {
    fault_ = std::current_exception();
    return false;
  }
}

void Channel::check_usable(const char* what) const {
  if (closed_) throw UsageError{fmt::format("rank {}: {} on a closed channel", rank(), what)};
  if (fault_) [[unlikely]]
    std::rethrow_exception(fault_);
}

bool Channel::is_own_process() const noexcept {
  return process_ == process_mark();
}

void Wanted::refuse(int self, const Message& message) const {
  const auto payload = message.payload.bytes();
  throw UsageError{fmt::format(
      "rank {}: the message of rank {} (tag {}) {}; it stays to be received", self, message.source,
      message.tag,
      payload.size() > bytes_max
          ? fmt::format("has {} bytes, the memory to receive it into {}", payload.size(), bytes_max)
          : check->wrong_with(payload))};
}

void Channel::check_send(int dest, int tag, std::size_t bytes) const {
  if (dest < 0 || dest >= size()) {
    throw UsageError{fmt::format("rank {}: cannot send to rank {}: this world has ranks 0..{}",
                                 rank(), dest, size() - 1)};
  }
  if (tag < 0 || tag > tag_max) {
    throw UsageError{
        fmt::format("rank {}: cannot send with tag {}: tags are 0..{}", rank(), tag, tag_max)};
  }
  if (bytes > place_.message_bytes_max) {
    throw UsageError{fmt::format(
        "rank {}: message of {} bytes to rank {} (tag {}) is above the limit of {} bytes; raise "
        "--message-max or send it in parts",
        rank(), bytes, dest, tag, place_.message_bytes_max)};
  }
  check_usable("send");
}

void Channel::check_receive(int source, int tag) const {
  if (source != any_source && (source < 0 || source >= size())) {
    throw UsageError{fmt::format(
        "rank {}: cannot receive from rank {}: this world has ranks 0..{} (any_source is {})",
        rank(), source, size() - 1, any_source)};
  }
  if (tag != any_tag && (tag < 0 || tag > tag_max)) {
    throw UsageError{fmt::format("rank {}: cannot receive tag {}: tags are 0..{} (any_tag is {})",
                                 rank(), tag, tag_max, any_tag)};
  }
  check_usable("receive");
}

void Channel::send(int dest, int tag, std::span<const std::byte> payload, Deadline deadline) {
  const Call call{*this};
  check_send(dest, tag, payload.size());
  do_send_borrowed(dest, tag, payload, deadline);
  ++messages_sent_;
  bytes_sent_ += payload.size();
}

void Channel::send(int dest, int tag, Buffer&& payload, Deadline deadline) {
  const Call call{*this};
  // The payload is taken over even if the call throws. It is not moved into a local Buffer: reading
  // bytes back that lie inside it and were written just now costs 5 ns.
  struct Taken {
    Buffer& payload;
    ~Taken() { payload = Buffer{}; }
  };
  const Taken taken{payload};
  const std::size_t bytes = payload.size();
  check_send(dest, tag, bytes);
  do_send(dest, tag, std::move(payload), deadline);
  ++messages_sent_;
  bytes_sent_ += bytes;
}

void Channel::do_send_borrowed(int dest, int tag, std::span<const std::byte> payload,
                               Deadline deadline) {
  note_copied(payload.size());
  do_send(dest, tag, Buffer::copy_of(payload), deadline);
}

std::optional<Event> Channel::next(int source, int tag, Deadline deadline) {
  const Call call{*this};
  check_receive(source, tag);
  Wanted wanted{.source = source, .tag = tag, .all_news = true, .waits = !deadline.expired()};
  auto event = do_next(wanted, deadline);
  if (event) {
    if (const auto* const message = std::get_if<Message>(&*event)) {
      ++messages_received_;
      bytes_received_ += message->payload.size();
    }
  }
  return event;
}

std::optional<Event> Channel::next_of(Channel& inner, const Wanted& wanted, Deadline deadline) {
  const Call call{inner};
  return inner.do_next(wanted, deadline);
}

std::optional<Message> Channel::receive(Wanted wanted, Deadline deadline) {
  const Call call{*this};
  const auto [source, tag] = std::pair{wanted.source, wanted.tag};
  check_receive(source, tag);
  wanted.waits = !deadline.expired();
  auto event = do_next(wanted, deadline);
  if (!event) return std::nullopt;
  if (const auto* const departure = std::get_if<Departure>(&*event)) {
    throw_departure(
        *departure,
        fmt::format("rank {} received from {} (tag {})", rank(),
                    source == any_source ? std::string{"anyone"} : fmt::format("rank {}", source),
                    tag == any_tag ? std::string{"any"} : fmt::format("{}", tag)));
  }
  auto& message = std::get<Message>(*event);
  ++messages_received_;
  bytes_received_ += message.payload.size();
  return std::move(message);
}

std::optional<Message> Channel::recv(int source, int tag, Deadline deadline) {
  return receive({.source = source, .tag = tag}, deadline);
}

std::optional<Message> Channel::recv_checked(int source, int tag, const PayloadCheck& check,
                                             Deadline deadline) {
  return receive({.source = source, .tag = tag, .check = &check}, deadline);
}

std::optional<Envelope> Channel::recv_into(int source, int tag, std::span<std::byte> memory,
                                           Deadline deadline) {
  const auto message =
      receive({.source = source, .tag = tag, .bytes_max = memory.size()}, deadline);
  if (!message) return std::nullopt;
  const auto bytes = message->payload.bytes();
  if (!bytes.empty()) std::memcpy(memory.data(), bytes.data(), bytes.size());
  note_copied(bytes.size());
  return Envelope{message->source, message->tag, bytes.size()};
}

std::optional<Departure> Channel::departure(int rank) {
  const Call call{*this};
  check_receive(rank, any_tag);
  if (rank == any_source) throw UsageError{"departure: asks for one rank, not for any_source"};
  return do_departure(rank);
}

Info Channel::info() const {
  const Call call{*this};
  Info info = do_info();
  info.progress = info.progress || progress_ != nullptr;
  info.message_bytes_max = place_.message_bytes_max;
  info.messages_sent = messages_sent_;
  info.messages_received = messages_received_;
  info.bytes_sent = bytes_sent_;
  info.bytes_received = bytes_received_;
  info.bytes_copied = bytes_copied_;
  return info;
}

void Channel::close(Deadline serve_until) {
  if (!is_own_process()) return;
  const Call call{*this};
  if (closed_) return;
  closed_ = true;
  struct AtEnd {
    Channel& channel;
    ~AtEnd() { channel.stop_progress(); }
  };
  const AtEnd at_end{*this};
  do_close(serve_until);
}

void Channel::abort(int exit_code, const std::string& what) noexcept {
  if (!is_own_process()) return;
  // An abort is a failure, even if the caller gave exit code 0.
  const int code = exit_status(exit_code);
  do_abort(code == 0 ? static_cast<int>(ExitCode::failure) : code, what);
}

}  // namespace rankwire
