#include "channel/tidings.hpp"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <utility>

namespace rankwire::zmq_wire {
namespace {

/// How long the next telling waits: this many times as long as the last one took, and no longer
/// than the bound. Others are to hear of a departure within 100 ms (clause 15). A shorter pause
/// than the least would save nothing, as the next look may be 50 ms away.
constexpr int pause_factor = 4;
constexpr std::chrono::milliseconds pause_least{1}, pause_max{50};

/// By reader: how many messages which rank had sent there.
using SentTo = std::unordered_map<int, std::unordered_map<int, std::uint64_t>>;

SentTo sent_to_readers(const std::vector<Tidings::Gone>& untold) {
  SentTo sent_to;
  for (const auto& gone : untold) {
    for (const auto& [reader, messages] : gone.goodbye.sent) sent_to[reader][gone.rank] = messages;
  }
  return sent_to;
}

/// What one reader is told. `untold` is in the order of ranks.
DepartedList list_for(const std::vector<Tidings::Gone>& untold,
                      const std::unordered_map<int, std::uint64_t>& messages_of) {
  DepartedList list;
  list.first_left = untold.front().rank;
  for (const auto& gone : untold) {
    const auto sent = messages_of.find(gone.rank);
    const std::uint64_t messages = sent == messages_of.end() ? 0 : sent->second;
    if (gone.lost || messages > 0) {
      list.others.push_back({gone.rank, gone.lost, gone.reason, messages});
      continue;
    }
    const auto bit = static_cast<std::size_t>(gone.rank - list.first_left);
    list.left.resize(bit / 8 + 1, '\0');
    list.left[bit / 8] = static_cast<char>(list.left[bit / 8] | (1 << (bit % 8)));
  }
  return list;
}

/// One memory for all who are told the same.
zmq::message_t shared(const Buffer& body) {
  return zmq::message_t{body.data(), body.size()};
}

}  // namespace

void Tidings::tell(int ranks, const std::function<bool(int)>& hears) {
  if (untold_.empty()) return;
  const auto begin = Deadline::Clock::now();
  std::vector<Gone> untold = std::exchange(untold_, {});
  std::sort(untold.begin(), untold.end(),
            [](const Gone& one, const Gone& other) { return one.rank < other.rank; });
  const SentTo sent_to = sent_to_readers(untold);
  zmq::message_t to_most = shared(encode(list_for(untold, {})));
  for (int reader = 1; reader < ranks; ++reader) {
    if (!hears(reader)) continue;
    const auto sent = sent_to.find(reader);
    zmq::message_t body;
    if (sent == sent_to.end()) {
      body.copy(to_most);
    } else {
      body = shared(encode(list_for(untold, sent->second)));
    }
    links_.tell(reader, Kind::departed, std::move(body));
  }
  const auto pause = pause_factor * (Deadline::Clock::now() - begin);
  next_ = pause < pause_least ? Deadline::poll()
                              : Deadline{std::min<Deadline::Clock::duration>(pause, pause_max)};
}

}  // namespace rankwire::zmq_wire
