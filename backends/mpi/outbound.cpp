#include "outbound.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace rankwire::mpi {
namespace {

/// So many sends at least that find a full lane go without a look at MPI, after one that has found
/// little.
constexpr std::size_t sends_per_look = 8;

}  // namespace

Outbound::Outbound(std::unique_ptr<Carrier> carrier, const Reach& reach)
    : carrier_{std::move(carrier)},
      reach_{reach},
      lanes_{reach.size()},
      store_{reach.slot_bytes()} {}

Outbound::~Outbound() {
  // Leaves whole parcels to MPI: bytes inside of them must not move either.
  static auto& left = *new Parcels;
  for (int dest = 0; dest < lanes_.size(); ++dest) {
    const Lane& used = lanes_[dest];
    if (used.sent == 0 && used.notes.empty() && used.signs.empty()) continue;
    Lane& lane = lanes_.at(dest);
    drop(lane);
    left.splice(left.end(), lane.flying);
    left.splice(left.end(), lane.notes);
    left.splice(left.end(), lane.signs);
  }
}

/// Decides how a message goes that is too large for a slot.
void Outbound::set_way(Lane& lane, Parcel& parcel) {
  const std::size_t size = parcel.bytes.size();
  Ways::Choice choice;
  if (size <= Ways::bytes_max) {
    const bool in_a_row = std::exchange(lane.sent_at, receives_) == receives_;
    choice = lane.ways().choose(size, in_a_row);
  }
  const bool pieces = choice.way == Way::pieces;
  parcel.form = pieces ? Parcel::Form::pieces : Parcel::Form::announced;
  parcel.note = {pieces ? Note::Kind::pieces : Note::Kind::payload, choice.group, size};
}

std::size_t Outbound::send(int dest, int tag, Buffer&& payload) {
  Lane& lane = lanes_.at(dest);
  const std::size_t size = payload.size();
  const std::size_t slot = reach_.eager_bytes(dest);
  const bool small = size <= std::min(slot, Batch::payload_bytes_max);
  if (!lane.has_room(small)) look_now_and_then();
  const bool is_first = lane.queue.empty();
  if (small && !(is_first && lane.has_room(small)) &&
      sizeof(Note) + batch_entry_bytes + size <= slot) {
    add_to_batch(lane, dest, tag, std::as_const(payload).bytes());
    return size;
  }
  Parcel& parcel = *store_.add(lane.queue, Parcel::Form::slot, dest, tag);
  parcel.ordinal = lane.sent++;
  parcel.payload = std::move(payload);
  parcel.bytes = std::as_const(parcel.payload).bytes();
  parcel.weight = size;
  lane.bytes += size;
  if (size > slot) set_way(lane, parcel);
  const bool begun = is_first && lane.has_room(small) && begin_first(lane);
  count(lane);
  if (!begun) list(lane, dest);
  // Now, while the message is on its way, a look costs least.
  if (!lane.has_room(true)) look_now_and_then();
  return 0;
}

void Outbound::add_to_batch(Lane& lane, int dest, int tag, std::span<const std::byte> payload) {
  const bool joins = !lane.queue.empty() && lane.queue.back().batch &&
                     lane.queue.back().batch->has_room(payload.size());
  if (!joins) {
    const At parcel = store_.add(lane.queue, Parcel::Form::batch, dest, 0);
    parcel->batch = store_.batch(reach_.eager_bytes(dest));
    parcel->ordinal = lane.sent;
    list(lane, dest);
  }
  Parcel& parcel = lane.queue.back();
  parcel.batch->add(static_cast<std::uint32_t>(tag), payload);
  parcel.weight += payload.size();
  lane.bytes += payload.size();
  ++lane.sent;
  count(lane);
}

void Outbound::send_borrowed(int dest, int tag, std::span<const std::byte> payload) {
  Lane& lane = lanes_.at(dest);
  const At parcel = store_.add(lane.queue, Parcel::Form::announced, dest, tag);
  parcel->ordinal = lane.sent++;
  parcel->bytes = payload;
  parcel->weight = payload.size();
  parcel->note = {Note::Kind::payload, 0, payload.size()};
  lane.bytes += payload.size();
  borrowed_ = &*parcel;
  begin_first(lane);
  count(lane);
}

bool Outbound::begin_first(Lane& lane) {
  const At parcel = lane.queue.begin();
  const int tag = parcel->tag;
  switch (parcel->form) {
    case Parcel::Form::slot:
      begin(lane, parcel, Carrier::Road::slots, tag, parcel->bytes);
      break;
    case Parcel::Form::batch: {
      const auto bytes = parcel->batch->bytes();
      const Note note{Note::Kind::batch, 0, bytes.size() - sizeof note};
      std::memcpy(bytes.data(), &note, sizeof note);
      begin(lane, parcel, Carrier::Road::slots, note_tag, bytes);
      break;
    }
    case Parcel::Form::pieces:
      if (!begin_pieces(lane, parcel)) return false;
      break;
    case Parcel::Form::announced:
      begin(lane, parcel, Carrier::Road::slots, note_tag + tag, parcel->note.bytes());
      begin(lane, parcel, Carrier::Road::bulk, bulk_tag, parcel->bytes);
      break;
    case Parcel::Form::note:
    case Parcel::Form::sign:
      break;  // never stand in the queue
  }
  parcel->all_begun = true;
  if (parcel->requests == 0) {
    remove(lane, lane.queue, parcel);
  } else {
    lane.flying.splice(lane.flying.end(), lane.queue, parcel);
  }
  return true;
}

/// The first piece goes with the note, unless the receiver takes the time: that begins with the
/// note.
bool Outbound::begin_pieces(Lane& lane, At parcel) {
  const std::size_t slot = reach_.eager_bytes(parcel->dest);
  const auto road = Carrier::Road::slots;
  if (!parcel->note_begun) {
    parcel->note_begun = true;
    const Note& note = parcel->note;
    if (note.group != 0) {
      begin(lane, parcel, road, note_tag + parcel->tag, note.bytes());
    } else {
      parcel->begun = slot - sizeof note;
      auto head = store_.take_head();
      std::memcpy(head.get(), &note, sizeof note);
      std::memcpy(head.get() + sizeof note, parcel->bytes.data(), parcel->begun);
      const int before = parcel->requests;
      begin(lane, parcel, road, note_tag + parcel->tag, {head.get(), slot});
      if (parcel->requests != before) {
        parcel->head = std::move(head);
      } else {
        store_.give_back(std::move(head));
      }
    }
  }
  for (; parcel->begun < parcel->bytes.size(); parcel->begun += slot) {
    if (!lane.has_room(false)) return false;
    const auto rest = parcel->bytes.subspan(parcel->begun);
    begin(lane, parcel, road, parcel->tag, rest.first(std::min(slot, rest.size())));
  }
  return true;
}

void Outbound::begin(Lane& lane, At parcel, Carrier::Road road, int tag,
                     std::span<const std::byte> bytes) {
  if (carrier_->begin(road, tag, bytes, parcel)) return;
  ++parcel->requests;
  ++lane.requests;
}

void Outbound::remove(Lane& lane, Parcels& from, At parcel) {
  if (&*parcel == borrowed_) borrowed_ = nullptr;
  lane.bytes -= parcel->weight;
  store_.recycle(from, parcel);
}

void Lane::Later::put(const Note& note) {
  switch (note.kind) {
    case Note::Kind::credit:
      credit = note;
      break;
    case Note::Kind::want:
      want = note;
      break;
    case Note::Kind::grant:
      grant = note;
      break;
    case Note::Kind::way:
      break;  // the receiver goes on finding it
    default:
      goodbye = note;
  }
}

Note Lane::Later::take() {
  for (auto* const note : {&credit, &want, &grant}) {
    if (*note) return *std::exchange(*note, std::nullopt);
  }
  return *std::exchange(goodbye, std::nullopt);
}

void Outbound::send_note(int dest, const Note& note) {
  Lane& lane = lanes_.at(dest);
  if (lane.notes.size() < Lane::notes_max) {
    begin_note(lane, dest, note);
  } else {
    lane.later.put(note);
  }
  count(lane);
  list(lane, dest);
}

void Outbound::send_list(int dest, Note::Kind kind, std::span<const std::uint32_t> ranks) {
  Lane& lane = lanes_.at(dest);
  const std::size_t most = (reach_.eager_bytes(dest) - sizeof(Note)) / sizeof ranks[0] / 2 * 2;
  while (!ranks.empty()) {
    const auto part = ranks.first(std::min(most, ranks.size()));
    ranks = ranks.subspan(part.size());
    const At parcel = store_.add(lane.notes, Parcel::Form::note, dest, 0);
    const Note note{kind, 0, part.size()};
    parcel->payload = Buffer{sizeof note + part.size_bytes()};
    std::memcpy(parcel->payload.data(), &note, sizeof note);
    std::memcpy(parcel->payload.data() + sizeof note, part.data(), part.size_bytes());
    if (carrier_->begin(Carrier::Road::slots, note_tag, std::as_const(parcel->payload).bytes(),
                        parcel)) {
      store_.recycle(lane.notes, parcel);
    }
  }
  count(lane);
}

bool Outbound::send_sign(int dest, const Note& note, Carrier::Road road) {
  Lane& lane = lanes_.at(dest);
  if (!lane.signs.empty()) return false;
  if (note.kind == Note::Kind::sign) lane.signing = true;
  begin_note(lane.signs, Parcel::Form::sign, dest, note, road);
  return true;
}

void Outbound::send_silence(int dest) {
  if (!lanes_[dest].signing) return;
  Lane& lane = lanes_.at(dest);
  lane.signing = false;
  begin_note(lane.signs, Parcel::Form::sign, dest, {Note::Kind::silence, 0, 0},
             Carrier::Road::slots);
}

void Outbound::begin_note(Lane& lane, int dest, const Note& note) {
  begin_note(lane.notes, Parcel::Form::note, dest, note, Carrier::Road::slots);
}

void Outbound::begin_note(Parcels& list, Parcel::Form form, int dest, const Note& note,
                          Carrier::Road road) {
  const At parcel = store_.add(list, form, dest, 0);
  parcel->note = note;
  if (carrier_->begin(road, note_tag, parcel->note.bytes(), parcel)) {
    store_.recycle(list, parcel);
  }
}

void Outbound::list(Lane& lane, int dest) {
  if (lane.waits() && !std::exchange(lane.listed, true)) waiting_.push_back(dest);
}

/// To be called before a send that finds a full lane. MPI may be done long since: then there is
/// room again. If it is not, the next few sends do not look; small ones then travel together.
void Outbound::look_now_and_then() {
  if (unlooked_sends_ > 0) {
    --unlooked_sends_;
    return;
  }
  complete();
  if (done_.size() < Lane::small_max / 2) {
    unlooked_sends_ = std::max(sends_per_look, carrier_->under_way() / 8);
  }
}

bool Outbound::complete() {
  done_.clear();
  carrier_->complete(done_);
  for (const At parcel : done_) finished(parcel);
  bool moved = !done_.empty();
  for (std::size_t i = 0; i < waiting_.size();) {
    const int dest = waiting_[i];
    Lane& lane = lanes_.at(dest);
    moved = begin_waiting(lane, dest) || moved;
    if (lane.waits()) {
      ++i;
      continue;
    }
    lane.listed = false;
    waiting_[i] = waiting_.back();
    waiting_.pop_back();
  }
  return moved;
}

bool Outbound::begin_waiting(Lane& lane, int dest) {
  bool begun = false;
  while (lane.later.size() > 0 && lane.notes.size() < Lane::notes_max) {
    begin_note(lane, dest, lane.later.take());
    begun = true;
  }
  for (int i = 0; i < begun_at_once && !lane.queue.empty(); ++i) {
    if (!lane.has_room(lane.queue.front().is_small())) break;
    begun = true;
    if (!begin_first(lane)) break;
  }
  if (begun) count(lane);
  return begun;
}

/// One of the sends of `parcel` is done.
void Outbound::finished(At parcel) {
  Lane& lane = lanes_.at(parcel->dest);
  if (parcel->form == Parcel::Form::note) {
    store_.recycle(lane.notes, parcel);
  } else if (parcel->form == Parcel::Form::sign) {
    store_.recycle(lane.signs, parcel);
  } else {
    --lane.requests;
    if (--parcel->requests == 0 && parcel->all_begun) remove(lane, lane.flying, parcel);
  }
  count(lane);
}

void Outbound::departed(int dest) {
  Lane& lane = lanes_.at(dest);
  lane.departed = true;
  drop(lane);
  count(lane);
}

void Outbound::drop_waiting() {
  for (const int dest : waiting_) {
    drop(lanes_.at(dest));
    count(lanes_.at(dest));
  }
}

/// What MPI has begun to send stays. A goodbye, too: a rank that left may wait for it.
void Outbound::drop(Lane& lane) {
  lane.later.drop_all_but_goodbye();
  if (lane.queue.empty()) return;
  lane.dropped_from = std::min(lane.dropped_from, lane.queue.front().ordinal);
  while (!lane.queue.empty()) {
    const At parcel = lane.queue.begin();
    parcel->all_begun = true;
    if (parcel->requests == 0) {
      remove(lane, lane.queue, parcel);
    } else {
      lane.flying.splice(lane.flying.end(), lane.queue, parcel);
    }
  }
}

void Outbound::count(Lane& lane) {
  const Pending now = lane.pending();
  pending_.parcels += now.parcels - lane.counted.parcels;
  pending_.notes += now.notes - lane.counted.notes;
  pending_.bytes += now.bytes - lane.counted.bytes;
  lane.counted = now;
}

}  // namespace rankwire::mpi
