#include <cstring>

#include "links/batch.hpp"
#include "protocol/frame.hpp"
#include "protocol/protocol.hpp"
#include "script.hpp"
#include "seeds.hpp"

namespace fuzz {
namespace {

using namespace rankwire::zmq_wire;

std::string frame(const Header& header, std::string_view body = {}) {
  const auto built = frame_of(header, std::as_bytes(std::span{body}));
  return text_of({built.data<std::byte>(), built.size()});
}

template <class Record>
std::string record(Kind kind, const Record& value) {
  const auto body = rankwire::encode(value);
  return frame({.kind = kind, .tag = protocol_version, .bytes = body.size()},
               text_of(body.bytes()));
}

std::string hello(int pid, int wanted_rank = -1) {
  Hello hello;
  hello.job = "default";
  hello.host = "host";
  hello.pid = pid;
  hello.wanted_rank = wanted_rank;
  hello.nonce = static_cast<std::uint64_t>(pid);
  hello.endpoint = "tcp://10.0.0.1:1";
  return record(Kind::hello, hello);
}

Member member(int rank) {
  Member member;
  member.rank = rank;
  member.host = "host";
  member.pid = 100 + rank;
  member.endpoint = "tcp://10.0.0.1:1";
  return member;
}

std::string start(int ranks) {
  Start start;
  start.ranks = ranks;
  for (int rank = 0; rank < ranks; ++rank) start.members.push_back(member(rank));
  start.token = {1, 2};
  start.window_bytes = 1U << 20U;
  start.share_bytes = 1U << 16U;
  start.message_bytes_max = 1U << 18U;
  return record(Kind::start, start);
}

std::string data(std::uint32_t tag, std::string_view payload) {
  return frame({.kind = Kind::data, .tag = tag, .bytes = payload.size()}, payload);
}

/// Messages with these tags.
std::string batch(std::initializer_list<std::uint32_t> tags) {
  rankwire::Batch batch = empty_batch();
  for (const std::uint32_t tag : tags) batch.add(tag, std::as_bytes(std::span{"payload", 7}));
  return text_of(frame_of(batch, {.kind = Kind::batch}));
}

std::string link(int rank) {
  LinkHello link;
  link.token = {1, 2};
  link.rank = rank;
  return record(Kind::link, link);
}

std::string relay(int rank, bool from_dialer, std::string_view inner) {
  return frame(
      {.kind = Kind::relay, .tag = RelayTag{rank, from_dialer}.wire(), .bytes = inner.size()},
      inner);
}

std::string goodbye() {
  return record(Kind::goodbye, Goodbye{{{0, 1}, {1, 2}}});
}

std::string reject() {
  const auto body = body_of({Refusal::job, "another job"});
  return frame({.kind = Kind::reject, .tag = protocol_version, .bytes = body.size()},
               text_of(body.bytes()));
}

/// A chapter of a script: a frame that arrives.
ScriptWriter& arrives(ScriptWriter& script, std::uint8_t connection, std::string_view first,
                      int chunk_bytes = -1) {
  script.step(Step::frame).u8(connection).bytes(first);
  const unsigned flags = in_order_bit | (chunk_bytes < 0 ? 0U : chunk_bit);
  return script.u8(static_cast<std::uint8_t>(flags))
      .u16(static_cast<std::uint16_t>(std::max(chunk_bytes, 0)));
}

/// The program's part: a message to each rank, what has come, and the end.
void talk(ScriptWriter& script, std::uint8_t ranks) {
  for (std::uint8_t rank = 1; rank <= ranks; ++rank) {
    script.step(Step::send).u8(rank).u8(1).u16(10);
    script.step(Step::send).u8(rank).u8(1).u16(3000);
    script.step(Step::receive).u8(rank).u8(0);
  }
  for (int i = 0; i < 4; ++i) script.step(Step::next).u8(0).u8(0);
  script.step(Step::departure).u8(2);
}

/// All that a rank may hear over the connection of another.
void everything_from(ScriptWriter& script, std::uint8_t connection, int rank) {
  arrives(script, connection, data(1, "payload"));
  arrives(script, connection, batch({1, 2, 1}));
  arrives(script, connection, frame({.kind = Kind::data, .tag = 2, .bytes = 5000}), 3000);
  arrives(script, connection, frame({.kind = Kind::data, .tag = 2, .bytes = 5000}), 2000);
  arrives(script, connection, frame({.kind = Kind::credit, .bytes = 100}));
  arrives(script, connection, frame({.kind = Kind::ack, .ack = 2}));
  arrives(script, connection, frame({.kind = Kind::sign, .ack = 2}));
  arrives(script, connection, frame({.kind = Kind::resend, .ack = 1}));
  arrives(script, connection, relay(rank, true, link(rank)));
  arrives(script, connection, relay(rank, true, data(1, "relayed")));
  arrives(script, connection, relay(rank, true, batch({1, 2})));
  arrives(script, connection, relay(rank, false, frame({.kind = Kind::ack, .ack = 1})));
  arrives(script, connection, record(Kind::arrived, member(rank)));
  arrives(script, connection,
          record(Kind::departed, DepartedList{0, {}, {{rank, true, "it died", 0}}}));
  arrives(script, connection, goodbye());
}

std::string master_script(Setting setting) {
  ScriptWriter script{setting};
  for (std::uint8_t rank = 1; rank < setting.ranks; ++rank) {
    arrives(script, static_cast<std::uint8_t>(rank - 1),
            hello(rank, rank == 1 ? setting.ranks - 1 : -1));
  }
  everything_from(script, 0, 2);
  talk(script, setting.ranks);
  script.step(Step::down).u8(0);
  script.step(Step::nothing);
  arrives(script, 0, link(1));
  script.step(Step::down).u8(0);
  arrives(script, 5, hello(77));
  arrives(script, 6, link(1));
  script.step(Step::close).u8(1);
  arrives(script, 1, goodbye());
  arrives(script, 1, frame({.kind = Kind::ack, .ack = 3}));
  script.step(Step::down).u8(1);
  return script.text();
}

std::string worker_script(Setting setting) {
  ScriptWriter script{setting};
  script.step(Step::up).u8(dialed(0));
  arrives(script, dialed(0), record(Kind::welcome, Welcome{setting.ranks, 1, "rank 2", 1, 1}));
  script.step(Step::nothing);
  arrives(script, 3, link(2));
  arrives(script, 3, data(1, "early"));
  arrives(script, dialed(0), start(setting.ranks));
  everything_from(script, dialed(0), 2);
  everything_from(script, 3, 0);
  talk(script, setting.ranks);
  script.step(Step::up).u8(dialed(1));
  arrives(script, dialed(1), frame({.kind = Kind::credit, .bytes = 200}));
  script.step(Step::down).u8(dialed(1)).step(Step::up).u8(dialed(1));
  script.step(Step::down).u8(dialed(0)).step(Step::nothing).step(Step::up).u8(dialed(0));
  arrives(script, dialed(0), frame({.kind = Kind::ack, .ack = 1}));
  script.step(Step::down).u8(3);
  script.step(Step::close).u8(0);
  arrives(script, dialed(0), frame({.kind = Kind::ack, .ack = 3}));
  return script.text();
}

std::string refused_script() {
  ScriptWriter script{{.start = Setting::Start::worker, .patient = true}};
  script.step(Step::up).u8(dialed(0)).step(Step::down).u8(dialed(0)).step(Step::up).u8(dialed(0));
  arrives(script, dialed(0), reject());
  return script.text();
}

std::string abort_script(Setting setting, std::uint8_t connection) {
  ScriptWriter script{setting};
  talk(script, setting.ranks);
  arrives(script, connection, record(Kind::abort, Abort{1, "host", 7, 1, "a cause"}));
  script.step(Step::abort).u8(3);
  return script.text();
}

}  // namespace

void add_protocol_seeds(Seeds seeds) {
  seeds.add(hello(7));
  seeds.add(record(Kind::welcome, Welcome{3, 2, "rank 2", 0, 0}));
  seeds.add(reject());
  seeds.add(start(3));
  seeds.add(link(2));
  seeds.add(data(1, "payload"));
  seeds.add(data(1, std::string(inline_payload_bytes_max + 1, 'x')));
  seeds.add(batch({1, 2}));
  seeds.add(frame({.kind = Kind::credit, .bytes = 100}));
  seeds.add(goodbye());
  seeds.add(record(Kind::departed, DepartedList{1, "\x05", {{2, true, "it died", 7}}}));
  seeds.add(record(Kind::arrived, member(2)));
  seeds.add(frame({.kind = Kind::ask, .tag = 2}));
  seeds.add(frame({.kind = Kind::want, .tag = 1, .bytes = 1U << 20U}));
  seeds.add(frame({.kind = Kind::grant, .tag = 1, .bytes = 1U << 20U}));
  seeds.add(record(Kind::member, member(2)));
  seeds.add(record(Kind::abort, Abort{1, "host", 7, 1, "a cause"}));
  seeds.add(frame({.kind = Kind::ack, .ack = 3}));
  seeds.add(frame({.kind = Kind::resend, .ack = 3}));
  seeds.add(relay(2, true, link(1)));
}

void add_handshake_seeds(Seeds seeds) {
  using Start = Setting::Start;
  for (const bool patient : {false, true}) {
    for (const std::uint8_t ranks : {std::uint8_t{2}, std::uint8_t{3}, std::uint8_t{5}}) {
      Setting setting{.ranks = ranks,
                      .takes_arrivals = ranks > 2,
                      .patient = patient,
                      .probed = static_cast<std::uint8_t>(ranks % 3)};
      setting.start = Start::master;
      seeds.add(master_script(setting));
      setting.start = Start::worker;
      seeds.add(worker_script(setting));
      setting.small_window = true;
      setting.start = Start::running_master;
      seeds.add(master_script(setting));
      setting.start = Start::running_worker;
      seeds.add(worker_script(setting));
    }
    seeds.add(abort_script({.start = Start::running_master, .ranks = 3, .patient = patient}, 0));
    seeds.add(
        abort_script({.start = Start::running_worker, .ranks = 3, .patient = patient}, dialed(0)));
  }
  seeds.add(refused_script());
}

}  // namespace fuzz
