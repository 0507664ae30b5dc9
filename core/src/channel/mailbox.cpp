#include "rankwire/backend/mailbox.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <utility>

namespace rankwire {
namespace {

/// Searching this many messages one by one is as fast as keeping chains of them. Most programs have
/// no more.
constexpr std::size_t unindexed_max = 16;
constexpr std::size_t nodes_first = 4, nodes_at_once_max = 4096;
/// At most this many news of one rank wait to be read: its departure, the arrival of the next
/// process, and that one's departure.
constexpr int unread_max = 3;
constexpr int tag_bits = std::bit_width(static_cast<unsigned>(tag_max));

std::uint64_t key_of(int tag) {
  return static_cast<std::uint64_t>(tag);
}
std::uint64_t key_of(int source, int tag) {
  return (static_cast<std::uint64_t>(source) + 1) << tag_bits | key_of(tag);
}

}  // namespace

std::uint64_t Mailbox::cost_of(const Node& node) {
  return Windows::cost_bytes(node.message.payload.size());
}

template <Mailbox::Of of>
void Mailbox::Chain::append(Node& node) {
  node.*of = {last, nullptr};
  (last == nullptr ? first : (last->*of).next) = &node;
  last = &node;
}

template <Mailbox::Of of>
void Mailbox::Chain::remove(Node& node) {
  const Links links = node.*of;
  (links.previous == nullptr ? first : (links.previous->*of).next) = links.next;
  (links.next == nullptr ? last : (links.next->*of).previous) = links.previous;
}

/// Keys differ mostly in a few low bits. One multiplication moves all of them to the top.
std::size_t Mailbox::Chains::home(std::uint64_t key) const {
  const int bits = std::countr_zero(entries_.size());
  return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15U) >> (64 - bits));
}

/// The index of the entry with `key`, or of the free entry where it belongs.
std::size_t Mailbox::Chains::find(std::uint64_t key) const {
  std::size_t at = home(key);
  while (entries_[at].chain.first != nullptr && entries_[at].key != key) {
    at = (at + 1) & (entries_.size() - 1);
  }
  return at;
}

Mailbox::Node* Mailbox::Chains::first(std::uint64_t key) const {
  return entries_.empty() ? nullptr : entries_[find(key)].chain.first;
}

Mailbox::Chain& Mailbox::Chains::at(std::uint64_t key) {
  if (2 * used_ >= entries_.size()) grow();
  Entry& entry = entries_[find(key)];
  if (entry.chain.first == nullptr) {
    entry.key = key;
    ++used_;
  }
  return entry.chain;
}

void Mailbox::Chains::grow() {
  const auto before =
      std::exchange(entries_, std::vector<Entry>(std::max(4 * unindexed_max, 2 * entries_.size())));
  for (const Entry& entry : before) {
    if (entry.chain.first != nullptr) entries_[find(entry.key)] = entry;
  }
}

/// Entries behind the hole that could not have their home because of it move up. So no mark for a
/// removed entry is needed.
void Mailbox::Chains::remove(std::uint64_t key) {
  const std::size_t mask = entries_.size() - 1;
  std::size_t hole = find(key);
  entries_[hole].chain = {};
  --used_;
  for (std::size_t at = (hole + 1) & mask; entries_[at].chain.first != nullptr;
       at = (at + 1) & mask) {
    if (((at - home(entries_[at].key)) & mask) < ((at - hole) & mask)) continue;
    entries_[hole] = std::exchange(entries_[at], Entry{});
    hole = at;
  }
}

Mailbox::Mailbox(int self, int size, bool takes_arrivals)
    : self_{self}, takes_arrivals_{takes_arrivals}, remaining_{size - 1}, peers_{size} {}

/// Gives the message to the receive that waits, if that asks for it. Nothing that came before was
/// what it asks for, so this message is the first.
bool Mailbox::meets(Message& message) {
  if (waiting_->event_ || !waiting_->wanted_.asks_for(message.source, message.tag)) return false;
  if (waiting_->take_again_ || !waiting_->wanted_.takes(message.payload.bytes())) {
    waiting_->take_again_ = true;
    return false;
  }
  waiting_->event_.emplace(std::move(message));
  return true;
}

void Mailbox::queue(Message&& message) {
  Node& node = nodes_.take();
  node.message = std::move(message);
  node.arrived = ++arrivals_;
  Peer& source = peers_.at(node.message.source);
  node.process = source.process;
  source.queued_bytes += cost_of(node);
  all_.append<&Node::all>(node);
  ++messages_;
  if (indexed_) {
    index(node);
  } else if (messages_ > unindexed_max) {
    index_all();
  }
}

Mailbox::Node& Mailbox::Nodes::take() {
  if (free_ == nullptr) {
    const std::size_t more = std::clamp(made_, nodes_first, nodes_at_once_max);
    blocks_.push_back(std::make_unique<Node[]>(more));
    made_ += more;
    for (std::size_t i = more; i-- > 0;) give_back(blocks_.back()[i]);
  }
  return *std::exchange(free_, free_->all.next);
}

void Mailbox::index_all() {
  indexed_ = true;
  for (Node* node = all_.first; node != nullptr; node = node->all.next) index(*node);
}

void Mailbox::index(Node& node) {
  const auto [source, tag] = std::pair{node.message.source, node.message.tag};
  peers_.at(source).messages.append<&Node::of_source>(node);
  chains_.at(key_of(tag)).append<&Node::of_tag>(node);
  chains_.at(key_of(source, tag)).append<&Node::of_pair>(node);
}

template <Mailbox::Of of>
void Mailbox::remove_from(std::uint64_t key, Node& node) {
  const bool alone = (node.*of).previous == nullptr && (node.*of).next == nullptr;
  if (alone) {
    chains_.remove(key);
  } else {
    chains_.at(key).remove<of>(node);
  }
}

/// Before its message is taken out.
void Mailbox::unlink(Node& node) {
  if (!is_of_former(node)) {
    peers_.at(node.message.source).queued_bytes -= cost_of(node);
  }
  all_.remove<&Node::all>(node);
  if (indexed_) {
    const auto [source, tag] = std::pair{node.message.source, node.message.tag};
    peers_.at(source).messages.remove<&Node::of_source>(node);
    remove_from<&Node::of_tag>(key_of(tag), node);
    remove_from<&Node::of_pair>(key_of(source, tag), node);
  }
  nodes_.give_back(node);
  if (--messages_ == 0) indexed_ = false;
}

/// The earliest message that `wanted` asks for, or null.
Mailbox::Node* Mailbox::find(const Wanted& wanted) const {
  const auto [source, tag] = std::pair{wanted.source, wanted.tag};
  if (source == any_source && tag == any_tag) return all_.first;
  if (!indexed_) {
    Node* node = all_.first;
    while (node != nullptr && !wanted.asks_for(node->message.source, node->message.tag)) {
      node = node->all.next;
    }
    return node;
  }
  if (tag == any_tag) return peers_[source].messages.first;
  return chains_.first(source == any_source ? key_of(tag) : key_of(source, tag));
}

std::optional<Event> Mailbox::take(const Wanted& wanted) {
  Node* const node = find(wanted);
  if (wanted.source == any_source && !news_.empty()) {
    const auto news = next_news(wanted);
    if (news != news_.end() && (node == nullptr || news->arrived < node->arrived)) {
      return take_news(news, wanted.all_news);
    }
  }
  if (node != nullptr) return take_message(*node, wanted);
  if (wanted.source != any_source) {
    const auto& departure = peers_[wanted.source].departure;
    if (departure) return Event{*departure};
  }
  check_not_in_vain(wanted);
  return std::nullopt;
}

Event Mailbox::take_message(Node& node, const Wanted& wanted) {
  const Message& found = node.message;
  if (!wanted.takes(found.payload.bytes())) wanted.refuse(self_, found);
  gave_of_former_ = is_of_former(node);
  unlink(node);
  // A single move, from the node to the caller's event.
  return Event{std::in_place_type<Message>, std::move(node.message)};
}

int Mailbox::News::rank() const {
  const auto* const arrival = std::get_if<Arrival>(&what);
  return arrival != nullptr ? arrival->rank
                            : std::get<std::shared_ptr<const Departure>>(what)->rank;
}

bool Mailbox::News::is_loss() const {
  const auto* const departure = std::get_if<std::shared_ptr<const Departure>>(&what);
  return departure != nullptr && (*departure)->kind == Departure::Kind::lost;
}

/// The first news to report to `wanted`, which asks for anyone.
Mailbox::NewsList::iterator Mailbox::next_news(const Wanted& wanted) {
  return wanted.all_news ? news_.begin() : first_loss_;
}

/// A receive that asks for losses only passes over earlier news of the same rank: these are
/// dropped.
Event Mailbox::take_news(NewsList::iterator news, bool all_news) {
  const auto what = news->what;
  const int rank = news->rank();
  for (auto before = news_.begin(); !all_news && before != news;) {
    const auto passed = before++;
    if (passed->rank() == rank) drop_news(passed);
  }
  drop_news(news);
  if (const auto* const arrival = std::get_if<Arrival>(&what)) return Event{*arrival};
  return Event{*std::get<std::shared_ptr<const Departure>>(what)};
}

void Mailbox::drop_news(NewsList::iterator news) {
  --peers_.at(news->rank()).unread;
  const bool first_loss = news == first_loss_;
  const auto next = news_.erase(news);
  if (first_loss) {
    first_loss_ =
        std::find_if(next, news_.end(), [](const News& other) { return other.is_loss(); });
  }
}

void Mailbox::add_news(int rank, std::uint64_t place, decltype(News::what)&& what) {
  if (waiting_ != nullptr) waiting_->take_again_ = true;
  if (peers_.at(rank).unread == unread_max && !make_room_for_news(rank)) {
    return;
  }
  auto behind = news_.end();
  while (behind != news_.begin() && std::prev(behind)->arrived > place) --behind;
  const auto added = news_.insert(behind, {place, std::move(what)});
  ++peers_.at(rank).unread;
  const bool first = first_loss_ == news_.end() || place < first_loss_->arrived;
  if (first && added->is_loss()) first_loss_ = added;
}

/// Called when three news of `rank` are unread and a fourth comes. News of a rank are departures
/// and arrivals in turn. This leaves out one process that came and went, by dropping its arrival
/// and its departure. It prefers to keep a loss. Returns false if the departure that comes now is
/// the one to leave out.
bool Mailbox::make_room_for_news(int rank) {
  std::array<NewsList::iterator, unread_max> unread;
  auto at = news_.begin();
  for (auto& found : unread) {
    while (at->rank() != rank) ++at;
    found = at++;
  }
  const auto [first, second, third] = unread;
  if (second->is_loss()) {
    drop_news(third);
    return false;
  }
  const bool keeps_third = third->is_loss() && !first->is_loss();
  drop_news(keeps_third ? first : second);
  drop_news(keeps_third ? second : third);
  return true;
}

void Mailbox::check_not_in_vain(const Wanted& wanted) const {
  const bool only_self = wanted.source == any_source && peers_.size() == 1;
  if (wanted.waits && (wanted.source == self_ || (only_self && !takes_arrivals_))) {
    throw UsageError{fmt::format(
        "rank {}: waits for a message from itself that it has not sent; nothing could ever come",
        self_)};
  }
  if (wanted.source == any_source && remaining_ == 0 && peers_.size() > 1 && !takes_arrivals_) {
    throw_departure(*latest_,
                    fmt::format("rank {} received from anyone, and nobody remains", self_));
  }
}

void Mailbox::depart(std::shared_ptr<const Departure> departure, std::uint64_t place) {
  auto& peer = peers_.at(departure->rank);
  if (peer.departure) return;
  peer.departure = latest_ = departure;
  --remaining_;
  const int rank = departure->rank;
  add_news(rank, place, std::move(departure));
}

void Mailbox::arrive(Arrival arrival) {
  auto& peer = peers_.at(arrival.rank);
  if (!peer.departure) return;
  peer.departure.reset();
  ++remaining_;
  ++peer.process;
  peer.come = 0;
  peer.queued_bytes = 0;
  if (waiting_ != nullptr && waiting_->event_) {  // the event is on its way to the program
    const auto* const given = std::get_if<Message>(&*waiting_->event_);
    if (given != nullptr && given->source == arrival.rank) gave_of_former_ = true;
  }
  const int rank = arrival.rank;
  add_news(rank, ++arrivals_, std::move(arrival));
}

void Mailbox::check_send(int dest) const {
  const auto& departure = peers_[dest].departure;
  if (departure) throw_departure(*departure, fmt::format("rank {} sent to it", self_));
}

void Mailbox::forget_messages() noexcept {
  while (Node* const node = all_.first) {
    unlink(*node);
    node->message = {};
  }
}

}  // namespace rankwire
