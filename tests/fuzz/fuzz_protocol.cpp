#include "fuzz.hpp"
#include "links/batch.hpp"
#include "protocol/frame.hpp"
#include "protocol/protocol.hpp"
#include "rankwire/backend/texts.hpp"

// A frame of the wire protocol, as it comes from a socket: header, then the body of its kind.

namespace {

using namespace rankwire::zmq_wire;
using Bytes = std::span<const std::byte>;

bool same(Bytes left, Bytes right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

/// What others have said in words is made printable; once is enough.
template <class Record>
void check_words(Bytes body) {
  const auto once = rankwire::encode(record_of<Record>(body));
  const auto twice = rankwire::encode(record_of<Record>(once.bytes()));
  fuzz::require(same(once.bytes(), twice.bytes()), "a printable record becomes another");
}

/// None of our records can be written in two ways: what decodes encodes to the same bytes.
template <class Record>
void check_record(Bytes body) {
  try {
    const auto record = rankwire::decode<Record>(body);
    fuzz::require(same(rankwire::encode(record).bytes(), body), "a record encodes to other bytes");
  } catch (const rankwire::DecodeError&) {
    return;
  }
  if constexpr (requires(Record record) { make_printable(record); }) check_words<Record>(body);
}

/// Its text is made printable, and is then the same for whoever gets it next.
void check_reject(Bytes body) {
  if (body.size() < sizeof(std::uint32_t)) return;
  const auto once = body_of(reject_of(body));
  const Bytes text = body.subspan(sizeof(std::uint32_t));
  const std::string_view said{reinterpret_cast<const char*>(text.data()), text.size()};
  if (rankwire::printable(said, body.size()) == said && said.size() <= cause_bytes_max)
    fuzz::require(same(once.bytes(), body), "a reject encodes to other bytes");
  fuzz::require(same(body_of(reject_of(once.bytes())).bytes(), once.bytes()),
                "a printable reject becomes another");
}

void check_batch(Bytes body) {
  if (body.size() > rankwire::Batch::payload_bytes_max || !rankwire::is_batch(body, UINT64_MAX))
    return;
  rankwire::Batch batch = empty_batch();
  for (Bytes rest = body; const auto entry = rankwire::take_entry(rest);)
    batch.add(entry->tag, entry->payload);
  fuzz::require(same(body_in(frame_of(batch, {.kind = Kind::batch})), body),
                "a batch encodes to other bytes");
}

void check_body(Kind kind, Bytes body) {
  switch (kind) {
    case Kind::hello:
      return check_record<Hello>(body);
    case Kind::welcome:
      return check_record<Welcome>(body);
    case Kind::reject:
      return check_reject(body);
    case Kind::start:
      return check_record<Start>(body);
    case Kind::link:
      return check_record<LinkHello>(body);
    case Kind::goodbye:
      return check_record<Goodbye>(body);
    case Kind::departed:
      return check_record<DepartedList>(body);
    case Kind::arrived:
    case Kind::member:
      return check_record<Member>(body);
    case Kind::abort:
      return check_record<Abort>(body);
    case Kind::batch:
      return check_batch(body);
    case Kind::data:
    case Kind::credit:
    case Kind::ack:
    case Kind::resend:
    case Kind::sign:
    case Kind::relay:
    case Kind::ask:
    case Kind::want:
    case Kind::grant:
      return;  // no record
  }
  fuzz::found("a header of a kind that does not exist");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto frame = fuzz::bytes_of(data, size);
  const auto header = header_of(frame);
  if (!header) return 0;
  std::vector<std::byte> again{frame.begin(), frame.end()};
  put_header(again, *header);
  fuzz::require(same(again, frame), "a header encodes to other bytes");
  check_body(header->kind, body_in(frame));
  return 0;
}
