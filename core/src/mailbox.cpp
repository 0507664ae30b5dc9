#include "rankwire/backend/mailbox.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rankwire {

Mailbox::Mailbox(int self, int size, bool takes_arrivals)
    : self_{self},
      takes_arrivals_{takes_arrivals},
      remaining_{size - 1},
      peers_(static_cast<std::size_t>(size)) {}

void Mailbox::push(Message&& message) {
  auto& peer = peers_[static_cast<std::size_t>(message.source)];
  if (peer.departure) return;
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Node& node = nodes_[index];
  node.message = std::move(message);
  node.previous_of_all = all_.last;
  node.previous_of_source = peer.messages.last;
  node.next_of_all = node.next_of_source = none;
  (all_.last == none ? all_.first : nodes_[all_.last].next_of_all) = index;
  (peer.messages.last == none ? peer.messages.first : nodes_[peer.messages.last].next_of_source) =
      index;
  all_.last = peer.messages.last = index;
  ++messages_;
}

void Mailbox::unlink(std::uint32_t index) {
  Node& node = nodes_[index];
  auto& chain = peers_[static_cast<std::size_t>(node.message.source)].messages;
  (node.previous_of_all == none ? all_.first : nodes_[node.previous_of_all].next_of_all) =
      node.next_of_all;
  (node.next_of_all == none ? all_.last : nodes_[node.next_of_all].previous_of_all) =
      node.previous_of_all;
  (node.previous_of_source == none ? chain.first : nodes_[node.previous_of_source].next_of_source) =
      node.next_of_source;
  (node.next_of_source == none ? chain.last : nodes_[node.next_of_source].previous_of_source) =
      node.previous_of_source;
  free_.push_back(index);
  --messages_;
}

std::uint32_t Mailbox::find(const Wanted& wanted) const {
  const bool anyone = wanted.source == any_source;
  std::uint32_t index =
      anyone ? all_.first : peers_[static_cast<std::size_t>(wanted.source)].messages.first;
  while (index != none && wanted.tag != any_tag && nodes_[index].message.tag != wanted.tag) {
    index = anyone ? nodes_[index].next_of_all : nodes_[index].next_of_source;
  }
  return index;
}

std::optional<Event> Mailbox::take(const Wanted& wanted) {
  const std::uint32_t index = find(wanted);
  if (index != none) {
    const Message& found = nodes_[index].message;
    if (found.payload.size() > wanted.bytes_max) {
      throw UsageError{fmt::format(
          "rank {}: the message of rank {} (tag {}) has {} bytes, the memory to receive it into "
          "{}; it stays to be received",
          self_, found.source, found.tag, found.payload.size(), wanted.bytes_max)};
    }
    // One move, from its node to the caller's event.
    std::optional<Event> event{std::in_place, std::in_place_type<Message>,
                               std::move(nodes_[index].message)};
    unlink(index);
    return event;
  }
  if (auto news = take_news(wanted)) return news;
  check_not_in_vain(wanted);
  return std::nullopt;
}

std::optional<Event> Mailbox::take_news(const Wanted& wanted) {
  if (wanted.source != any_source) {
    const auto& departure = peers_[static_cast<std::size_t>(wanted.source)].departure;
    if (departure) return Event{*departure};
    return std::nullopt;
  }
  if (news_.empty() || (!wanted.all_news && losses_unreported_ == 0)) return std::nullopt;
  auto first = news_.begin();
  while (!wanted.all_news && !is_loss(*first)) ++first;
  if (is_loss(*first)) --losses_unreported_;
  const News news = std::move(*first);
  news_.erase(first);
  if (const auto* const arrival = std::get_if<Arrival>(&news)) return Event{*arrival};
  return Event{*std::get<std::shared_ptr<const Departure>>(news)};
}

bool Mailbox::is_loss(const News& news) {
  const auto* const departure = std::get_if<std::shared_ptr<const Departure>>(&news);
  return departure != nullptr && (*departure)->kind == Departure::Kind::lost;
}

void Mailbox::check_not_in_vain(const Wanted& wanted) const {
  const int size = static_cast<int>(peers_.size());
  const bool only_self = wanted.source == any_source && size == 1;
  if (wanted.waits && (wanted.source == self_ || (only_self && !takes_arrivals_))) {
    throw UsageError{fmt::format(
        "rank {}: waits for a message from itself that it has not sent; nothing could ever come",
        self_)};
  }
  if (wanted.source == any_source && remaining_ == 0 && size > 1 && !takes_arrivals_) {
    throw_departure(*latest_,
                    fmt::format("rank {} received from anyone, and nobody remains", self_));
  }
}

void Mailbox::depart(std::shared_ptr<const Departure> departure) {
  auto& peer = peers_[static_cast<std::size_t>(departure->rank)];
  if (peer.departure) return;
  peer.departure = latest_ = departure;
  --remaining_;
  if (departure->kind == Departure::Kind::lost) ++losses_unreported_;
  news_.emplace_back(std::move(departure));
}

void Mailbox::arrive(Arrival arrival) {
  auto& peer = peers_[static_cast<std::size_t>(arrival.rank)];
  if (!peer.departure) return;
  peer.departure.reset();
  ++remaining_;
  news_.emplace_back(std::move(arrival));
}

void Mailbox::check_send(int dest) const {
  const auto& departure = peers_[static_cast<std::size_t>(dest)].departure;
  if (departure) throw_departure(*departure, fmt::format("rank {} sent to it", self_));
}

}  // namespace rankwire
