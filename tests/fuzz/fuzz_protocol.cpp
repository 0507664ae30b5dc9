#include "batch.hpp"
#include "frame.hpp"
#include "fuzz.hpp"
#include "protocol.hpp"

// A frame of the wire protocol, as it comes from a socket: header, then the body of its kind.

namespace {

using namespace rankwire::zmq_wire;
using Bytes = std::span<const std::byte>;

bool same(Bytes left, Bytes right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

/// None of our records can be written in two ways: what decodes encodes to the same bytes.
template <class Record>
void check_record(Bytes body) {
  try {
    const auto record = rankwire::decode<Record>(body);
    fuzz::require(same(rankwire::encode(record).bytes(), body), "a record encodes to other bytes");
  } catch (const rankwire::DecodeError&) {
  }
}

void check_reject(Bytes body) {
  const Reject reject = reject_of(body);
  if (body.size() < sizeof(std::uint32_t)) return;
  fuzz::require(same(body_of(reject).bytes(), body), "a reject encodes to other bytes");
}

void check_batch(Bytes body) {
  if (body.size() > Batch::payload_bytes_max || !is_batch(body, UINT64_MAX)) return;
  Batch batch;
  for (Bytes rest = body; const auto entry = take_entry(rest);)
    batch.add(entry->tag, entry->payload);
  fuzz::require(same(body_in(batch.finish({.kind = Kind::batch})), body),
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
      return check_record<Departed>(body);
    case Kind::arrived:
      return check_record<Member>(body);
    case Kind::abort:
      return check_record<Abort>(body);
    case Kind::batch:
      return check_batch(body);
    case Kind::data:
    case Kind::credit:
    case Kind::ack:
    case Kind::resend:
    case Kind::relay:
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
