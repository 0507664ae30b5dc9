#include "rankwire/backend/ledger.hpp"

#include <algorithm>
#include <utility>

#include "rankwire/backend/host.hpp"
#include "rankwire/errors.hpp"

namespace rankwire {

Ledger::Ledger(int self, int size, const MemoryLimits& limits, std::vector<PeerInfo> peers,
               std::shared_ptr<WorldEnd> end, bool takes_arrivals)
    : self_{self},
      size_{size},
      end_{std::move(end)},
      mailbox_{self, size, takes_arrivals},
      limits_{limits},
      windows_{self, size, limits.share_bytes} {
  if (limits.share_bytes < limits.window_bytes) budget_.emplace(size, limits);
  for (PeerInfo& peer : peers) learn(std::move(peer));
}

PeerInfo Ledger::peer(int rank) const {
  if (peers_.empty()) return {rank, host_name(), process_id(), {}};
  const auto found = peers_.find(rank);
  return found == peers_.end() ? PeerInfo{rank, {}, 0, {}} : found->second;
}

void Ledger::learn(PeerInfo&& peer) {
  const int rank = peer.rank;
  peers_[rank] = std::move(peer);
}

std::string Ledger::name(int rank) const {
  const PeerInfo there = peer(rank);
  return name_of(rank, there.host, there.pid);
}

Info Ledger::info() const {
  Info info;
  for (int rank = 0; rank < size_; ++rank) info.peers.push_back(peer(rank));
  info.window_bytes = limits_.window_bytes;
  info.share_bytes = limits_.share_bytes;
  return info;
}

std::string Ledger::lacking_room_for(int dest, std::size_t bytes) const {
  return lacking_room(name(dest), bytes, window_use(dest));
}

void Ledger::throw_no_room(int dest, std::size_t bytes) const {
  rankwire::throw_no_room(self_, dest, name(dest), bytes, window_use(dest));
}

bool Ledger::has_room_in_budget(int dest, std::size_t bytes) const {
  const std::uint64_t outstanding = windows_.outstanding_bytes(dest);
  if (dest == self_) return Windows::fits(outstanding, bytes, limits_.window_bytes);
  const std::uint64_t sent = windows_.sent_bytes(dest);
  return budget_->has_room(dest, sent, sent - outstanding, Windows::cost_bytes(bytes));
}

void Ledger::note_outstanding(int dest) {
  if (dest == self_ || mailbox_.departure(dest)) return;
  budget_->outstanding(dest, windows_.outstanding_bytes(dest));
}

WindowUse Ledger::window_use(int dest) const {
  return {windows_.outstanding_bytes(dest), limits_.window_bytes,
          dest == self_ ? limits_.window_bytes : limits_.share_bytes};
}

void Ledger::send_to_self(int tag, Buffer&& payload) {
  const std::size_t bytes = payload.size();
  if (!has_room(self_, bytes)) throw_no_room(self_, bytes);
  push({self_, tag, std::move(payload)});
  windows_.sent(self_, bytes);
}

void Ledger::depart(int rank, Departure::Kind kind, std::string reason) {
  PeerInfo there = peer(rank);
  depart(std::make_shared<const Departure>(
      Departure{rank, kind, std::move(there.host), there.pid, std::move(reason)}));
}

void Ledger::depart(std::shared_ptr<const Departure> departure) {
  departing_.erase(departure->rank);
  if (budget_) budget_->departed(departure->rank);
  mailbox_.depart(std::move(departure));
}

void Ledger::depart_after(int rank, Departure::Kind kind, std::string reason,
                          std::uint64_t messages) {
  if (mailbox_.departure(rank)) return;
  departing_[rank] = {rank, kind, std::move(reason), messages};
}

const Ledger::Departing* Ledger::departing(int rank) const {
  const auto found = departing_.find(rank);
  return found == departing_.end() ? nullptr : &found->second;
}

const Ledger::Departing* Ledger::due() const {
  const auto found = std::find_if(departing_.begin(), departing_.end(), [this](const auto& entry) {
    return come(entry.first) >= entry.second.messages;
  });
  return found == departing_.end() ? nullptr : &found->second;
}

std::optional<Departure> Ledger::departure(int rank) const {
  const Departure* const departure = mailbox_.departure(rank);
  return departure == nullptr ? std::nullopt : std::optional{*departure};
}

void Ledger::arrive(PeerInfo peer) {
  const int rank = peer.rank;
  departing_.erase(rank);
  windows_.reset(rank);
  if (budget_) budget_->departed(rank);
  mailbox_.arrive({rank, peer.host, peer.pid});
  learn(std::move(peer));
}

}  // namespace rankwire
