#include "links/link_table.hpp"

#include <cstring>
#include <utility>

#include "protocol/frame.hpp"

namespace rankwire::zmq_wire {
namespace {

/// The size of the second part of a call by try_call(). It is larger than any packet, so that the
/// call does not pass where only small packets do.
constexpr std::size_t trial_bytes = std::size_t{16} << 10;

}  // namespace

LinkTable::LinkTable(Wire& wire, const Roster& roster, const Token& token,
                     std::shared_ptr<Turns> turns, EarlyLinks&& early)
    : wire_{wire},
      roster_{roster},
      token_{token},
      turns_{std::move(turns)},
      by_rank_(static_cast<std::size_t>(roster.size())),
      early_{std::move(early)},
      relay_{by_rank_.front().out} {}

ConnectionId LinkTable::way_of(ConnectionId connection, const Header& header) const {
  const Link* const link = Wire::has(connection) ? at(connection) : nullptr;
  if (link == nullptr || header.end == LinkEnd::any || is_hub(link->rank())) return connection;
  // Over a connection that this rank dialed, the other one answers to this rank's link.
  const LinkEnd expected = link == out(link->rank()) ? LinkEnd::receiver : LinkEnd::sender;
  return header.end == expected ? connection : way_back(connection);
}

Link* LinkTable::at(ConnectionId connection) const {
  const auto found = by_connection_.find(connection);
  return found == by_connection_.end() ? nullptr : found->second;
}

bool LinkTable::is_relayed(int rank) const {
  const auto goes_by_relay = [](const Link* link) {
    return link != nullptr && Relay::has(link->connection());
  };
  return goes_by_relay(of(rank).out.get()) || goes_by_relay(of(rank).in.get());
}

bool LinkTable::nothing_comes_from(int rank) const {
  const Link* const link = from(rank);
  return link == nullptr || !link->is_attached() || Relay::has(link->connection());
}

std::unique_ptr<Link> LinkTable::make_link(int rank, LinkEnd end) const {
  return std::make_unique<Link>(rank, is_hub(rank) ? LinkEnd::any : end, turns_, store_);
}

Link& LinkTable::add_out(int rank) {
  if (!of(rank).out) of(rank).out = make_link(rank, LinkEnd::sender);
  return *of(rank).out;
}

bool LinkTable::tie(int rank, ConnectionId connection, std::uint32_t received) {
  std::unique_ptr<Link>& link = is_hub(rank) ? of(rank).out : of(rank).in;
  if (!link) link = make_link(rank, LinkEnd::receiver);
  if (link->connection() != 0 && link->connection() != connection) unlink(link->connection());
  lead(connection, *link);
  if (Wire::has(connection)) wire_.listen_to(connection);
  return link->attach(route(connection), received);
}

bool LinkTable::heed_call(const LinkHello& hello, ConnectionId connection) {
  Link* const link = from(hello.rank);
  if (link == nullptr || link->heed_call(hello.call)) return true;
  if (connection != link->connection()) unlink(connection);
  return false;
}

Buffer LinkTable::word_of(Link& link) const {
  return encode(LinkHello{token_, roster_.self(), roster_.me().incarnation, link.rank(),
                          roster_[link.rank()].incarnation, link.next_call()});
}

void LinkTable::call(Link& link, ConnectionId over) {
  const Buffer body = word_of(link);
  const Route way = route(over);
  way.carry(frame_of(link.word(Kind::link, body.size()), body.bytes()), nullptr);
  link.attach(way);
}

void LinkTable::try_call(Link& link, ConnectionId over) {
  const Buffer body = word_of(link);
  zmq::message_t padding{trial_bytes};
  std::memset(padding.data(), 0, padding.size());
  route(over).carry(frame_of(link.word(Kind::link, body.size()), body.bytes()), &padding);
}

Route LinkTable::route(ConnectionId connection) {
  if (Relay::has(connection)) return {&relay_, connection};
  return {&wire_, connection};
}

void LinkTable::turn_away(ConnectionId connection, Refusal refusal, const std::string& text) {
  const Buffer body = body_of({refusal, text});
  const Header header{.kind = Kind::reject,
                      .tag = protocol_version,
                      .bytes = body.size(),
                      .end = is_way_back(connection) ? LinkEnd::receiver : LinkEnd::any};
  route(connection).carry(frame_of(header, body.bytes()), nullptr);
  if (Wire::has(connection)) wire_.bid_farewell(connection);
}

void LinkTable::expel(int rank, const std::string& reason) {
  if (nothing_comes_from(rank)) return;
  const ConnectionId connection = from(rank)->connection();
  turn_away(connection, Refusal::lost, reason);
  by_connection_.erase(connection);
}

bool LinkTable::can_send_back(int rank) const {
  const Link* const link = of(rank).in.get();
  return link != nullptr && link->is_attached() && Wire::has(link->connection()) &&
         !is_way_back(link->connection());
}

void LinkTable::end_way_back(ConnectionId connection) {
  const auto found = by_connection_.find(way_back(connection));
  if (found == by_connection_.end() || is_way_back(connection)) return;
  if (found->second->connection() == found->first) found->second->detach();
  by_connection_.erase(found);
}

void LinkTable::unlink(ConnectionId connection) {
  end_way_back(connection);
  by_connection_.erase(connection);
  if (Wire::has(connection)) wire_.hang_up(connection);
}

void LinkTable::drop(int rank) {
  if (is_hub(rank)) {
    // It has one connection at a time. A search through all would make the loss of all workers cost
    // the square of their number.
    const Link* const link = out(rank);
    if (link != nullptr && at(link->connection()) == link) unlink(link->connection());
    of(rank) = {};
    return;
  }
  for (const Link* const link : both(rank)) {
    if (link == nullptr) continue;
    std::erase_if(by_connection_, [&](const auto& entry) {
      if (entry.second != link) return false;
      if (Wire::has(entry.first)) wire_.hang_up(entry.first);
      return true;
    });
  }
  of(rank) = {};
}

void LinkTable::ask_again() {
  for (const Links& links : by_rank_) {
    if (links.in) links.in->ask_again();
  }
}

void LinkTable::forget_kept(int rank) {
  for (Link* const link : both(rank)) {
    if (link != nullptr) link->forget_kept();
  }
}

void LinkTable::tell(int rank, Kind kind, const Buffer& body) {
  if (Link* const link = out(rank)) link->send({.kind = kind, .bytes = body.size()}, body.bytes());
}

void LinkTable::tell(int rank, Kind kind, zmq::message_t&& body) {
  const std::size_t bytes = body.size();
  if (Link* const link = out(rank))
    link->send_chunk({.kind = kind, .bytes = bytes}, std::move(body));
}

void LinkTable::leave_to_parent() {
  static auto& left = *new std::vector<std::pair<std::vector<Links>, std::shared_ptr<FrameStore>>>;
  left.emplace_back(std::move(by_rank_), std::move(store_));
}

}  // namespace rankwire::zmq_wire
