#include "channel/zmq_channel.hpp"
#include "fake_wire.hpp"
#include "fuzz.hpp"
#include "meeting/admission.hpp"
#include "rankwire/backend/log.hpp"

// The rendezvous of a master or a worker, and the channel that it ends with, on a network that says
// what the input wants: no crash, no hang, and no exceptions but those of the contract.

namespace {

using namespace rankwire;
using namespace rankwire::zmq_wire;
using fuzz::Script;
using fuzz::Setting;
using fuzz::Step;

constexpr Token token{1, 2};

ZmqSettings settings_of(const Setting& setting) {
  using std::chrono::milliseconds;
  const milliseconds patience{setting.patient ? 3'600'000 : 0};
  ZmqSettings settings;
  settings.progress_thread = false;  // an input must do the same each time
  settings.ranks = setting.ranks;
  settings.takes_arrivals = setting.takes_arrivals;
  settings.join_timeout = patience;
  settings.grace = patience;
  settings.linger = patience;
  settings.window_bytes = setting.small_window ? 1024 : std::uint64_t{1} << 20U;
  settings.message_bytes_max = std::uint64_t{1} << 18U;
  if (setting.start == Setting::Start::master || setting.start == Setting::Start::running_master) {
    settings.listen = "tcp://127.0.0.1:5555";
  } else {
    settings.join = "tcp://127.0.0.1:5555";
  }
  return settings;
}

/// A world that runs already: its token is known, so the input can go deeper.
Session running(const Setting& setting, const ZmqSettings& settings) {
  const bool is_master = setting.start == Setting::Start::running_master;
  Session session;
  session.wire = std::make_unique<Wire>(silence_max(settings), std::nullopt);
  session.settings = settings;
  session.rank = is_master ? 0 : 1;
  session.ranks = setting.ranks;
  session.token = token;
  session.connections.resize(setting.ranks, 0);
  session.first_probes.resize(setting.ranks);
  for (int rank = 0; rank < setting.ranks; ++rank) {
    Member member;
    member.rank = rank;
    member.host = "host";
    // The last one cannot be dialed: a loopback address of another host.
    member.endpoint = rank + 1 == setting.ranks ? "tcp://127.0.0.1:1" : "tcp://10.0.0.1:1";
    session.members.push_back(member);
    session.nonces.push_back(static_cast<std::uint64_t>(rank));
    session.hellos.push_back(1);
    if (is_master && rank > 0) {
      const auto at = static_cast<std::size_t>(rank);
      session.connections.at(at) = fuzz::a_caller(static_cast<std::uint8_t>(rank - 1));
      session.first_probes.at(at) =
          probe_first(*session.wire, session.connections.at(at), member.endpoint);
    }
  }
  if (is_master) return session;
  session.dialed = "tcp://10.0.0.1:1";
  session.connections[0] = session.wire->dial(session.dialed, 1);
  return session;
}

Session session_of(const Setting& setting, const ZmqSettings& settings) {
  switch (setting.start) {
    case Setting::Start::master:
      return rendezvous_as_master(settings);
    case Setting::Start::worker:
      return rendezvous_as_worker(settings);
    default:
      return running(setting, settings);
  }
}

int tag_of(std::uint8_t value) {
  return value == 0 ? any_tag : value;
}

void perform(Channel& channel, Script& script) {
  const Step step = script.step();
  const std::uint8_t first = script.u8();
  const int rank = first % (channel.size() + 1) - 1;  // -1: any
  switch (step) {
    case Step::send: {
      const int tag = script.u8();
      const std::size_t size = std::size_t{script.u16()} * 16;
      if (first % 2 == 0) channel.send(rank, tag, Buffer{size}, Deadline::poll());
      if (first % 2 == 1) channel.send(rank, tag, std::vector<std::byte>(size), Deadline::poll());
      return;
    }
    case Step::receive:
      (void)channel.recv(rank, tag_of(script.u8()), Deadline::poll());
      return;
    case Step::next:
      (void)channel.next(rank, tag_of(script.u8()), Deadline::poll());
      return;
    case Step::departure:
      (void)channel.departure(rank);
      return;
    case Step::close:
      channel.close(first % 2 == 1 ? Deadline::never() : Deadline::poll());
      return;
    case Step::abort:
      channel.abort(first, "the script says so");
      return;
    default:
      return;
  }
}

/// Does one step of the program, or takes in what comes; false when nothing is left to do.
bool go_on(Channel& channel, Script& script) {
  if (script.at_end()) return false;
  const std::size_t before = script.left();
  try {
    if (fuzz::is_of_network(script.peek())) {
      (void)channel.departure(0);
    } else {
      perform(channel, script);
    }
  } catch (const DecodeError&) {
    fuzz::found("a DecodeError left the channel");
  } catch (const Interrupted&) {
    return false;
  } catch (const Error&) {
    // Of the contract.
  }
  if (script.left() == before) script.skip();  // the channel is closed or the world has ended
  return true;
}

void run(const Setting& setting, Script& script) {
  Session session;
  const ZmqSettings settings = settings_of(setting);
  try {
    session = session_of(setting, settings);
  } catch (const DecodeError&) {
    fuzz::found("a DecodeError left the rendezvous");
  } catch (const Error&) {
    return;  // refused, or too late
  }
  ZmqChannel channel{std::move(session)};
  while (go_on(channel, script)) {
  }
  (void)channel.info();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  log().set_level(spdlog::level::off);
  Script script{fuzz::bytes_of(data, size)};
  const Setting setting = script.setting();
  fuzz::begin_network(script, setting.probed);
  run(setting, script);
  return 0;
}
