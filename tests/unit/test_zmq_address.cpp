#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "rankwire/errors.hpp"
#include "reach/address_file.hpp"
#include "reach/interfaces.hpp"
#include "reach/probe.hpp"
#include "sockets/listener.hpp"
#include "zmq_sockets.hpp"

using namespace rankwire::zmq_wire;
using namespace zmq_sockets;
using namespace std::chrono_literals;
using rankwire::UsageError;

namespace {

/// What the call says in its UsageError; empty when it throws none.
template <class Call>
std::string refused(Call call) {
  try {
    (void)call();
  } catch (const UsageError& error) {
    return error.what();
  }
  return {};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool all_loopback(const std::vector<Address>& addresses) {
  return std::all_of(addresses.begin(), addresses.end(),
                     [](const Address& address) { return address.loopback; });
}

Probe::Outcome outcome_of(const std::string& endpoint, std::chrono::milliseconds limit) {
  return *probe_all({endpoint}, limit).front().outcome();
}

const Address first_loopback{.number = "127.0.0.1", .loopback = true};
const Address second_loopback{.number = "127.0.0.2", .loopback = true};

}  // namespace

TEST_CASE("address: the host of --listen may be every interface, one of them, a name or a number") {
  const auto everywhere = listening_addresses("*");
  REQUIRE(everywhere.size() == 1);
  CHECK(everywhere.front().any);
  CHECK_FALSE(everywhere.front().loopback);
  const auto interface = listening_addresses("lo");
  CHECK(interface.front().number == "127.0.0.1");
  CHECK(all_loopback(interface));
  CHECK(interface.size() == (has_ipv6() ? 2 : 1));
  const auto name = listening_addresses("localhost");
  CHECK(!name.empty());
  CHECK(all_loopback(name));
  const auto number = listening_addresses("127.0.0.9");
  REQUIRE(number.size() == 1);
  CHECK(number.front().number == "127.0.0.9");
}

TEST_CASE("address: what is neither interface nor host is refused with the interfaces there are") {
  const std::string text = refused([] { return listening_addresses("nonsense0.invalid"); });
  CHECK(has(text, "nonsense0.invalid"));
  CHECK(has(text, "lo (127.0.0.1"));
}

TEST_CASE("address: kinds of addresses") {
  const auto kind = [](const std::string& number) {
    const SocketAddress raw = socket_address(number, 0);
    return address_of(*raw.get(), raw.length);
  };
  CHECK(kind("127.3.2.1").loopback);
  CHECK(kind("169.254.1.1").link_local);
  CHECK(kind("0.0.0.0").any);
  CHECK_FALSE(kind("10.1.2.3").loopback);
  CHECK(kind("::1").loopback);
  CHECK(kind("fe80::1").link_local);
  CHECK(kind("::").any);
  CHECK(kind("2001:db8::1").v6);
  CHECK_THROWS_AS((void)kind("localhost"), UsageError);
}

TEST_CASE("address: the host of an endpoint and where a connection came from") {
  CHECK(same_host("tcp://10.1.2.3:5", "10.1.2.3"));
  CHECK(same_host("tcp://10.1.2.3:5", "::ffff:10.1.2.3"));
  CHECK(same_host("tcp://[::ffff:10.1.2.3]:5", "10.1.2.3"));
  CHECK(same_host("tcp://[2001:db8::1]:5", "2001:db8:0::1"));
  CHECK_FALSE(same_host("tcp://10.1.2.3:5", "10.1.2.4"));
  CHECK_FALSE(same_host("tcp://10.1.2.3:5", "::10.1.2.3"));
  CHECK_FALSE(same_host("tcp://localhost:5", "127.0.0.1"));
  CHECK_FALSE(same_host("tcp://10.1.2.3:5", ""));
  CHECK_FALSE(same_host("10.1.2.3", "10.1.2.3"));
  CHECK(same_host("ipc:///tmp/s", "pid 4711"));
  CHECK_FALSE(same_host("ipc:///tmp/s", "127.0.0.1"));
  CHECK_FALSE(same_host("ipc://s", "pid 4711"));
  CHECK_FALSE(same_host("tcp://10.1.2.3:5", "pid 4711"));
}

TEST_CASE("address: what is told to others") {
  CHECK(advertised("gate.example", 7) == "tcp://gate.example:7");
  CHECK(advertised("2001:db8::1", 7) == "tcp://[2001:db8::1]:7");
  CHECK(advertised("[2001:db8::1]", 7) == "tcp://[2001:db8::1]:7");
  using List = std::vector<std::string>;
  CHECK(reachable_endpoints({"tcp://127.0.0.1:7"}, "") == List{"tcp://127.0.0.1:7"});
  CHECK(reachable_endpoints({"tcp://0.0.0.0:7"}, "gate") == List{"tcp://gate:7"});
  for (const auto& endpoint : reachable_endpoints({"tcp://[::]:7"}, "")) {
    CHECK(port_of(endpoint) == 7);
    CHECK_FALSE(has(endpoint, "[::]"));
    CHECK_FALSE(has(endpoint, "fe80"));
  }
  for (const auto& endpoint : reachable_endpoints({"tcp://0.0.0.0:7"}, "")) {
    CHECK_FALSE(has(endpoint, "["));
  }
}

TEST_CASE("listener: several addresses have the same port") {
  zmq::context_t context;
  zmq::socket_t socket{context, zmq::socket_type::router};
  const auto addresses = listening_addresses("lo");
  const auto bound = bind_all(socket, addresses, any_port, true);
  REQUIRE(bound.size() == addresses.size());
  for (const auto& endpoint : bound) {
    CHECK(port_of(endpoint) == port_of(bound.front()));
    CHECK(outcome_of(endpoint, 30s) == Probe::Outcome::accepted);
  }
}

TEST_CASE("listener: a port that is taken at one address is used at none") {
  const HeldPair held = two_ports(HeldPort::How::listening, "127.0.0.2");
  zmq::context_t context;
  zmq::socket_t socket{context, zmq::socket_type::router};
  const rankwire::PortRange range{held.first.port(), held.second.port()};
  const std::string text = refused([&] {
    return bind_all(socket, {first_loopback, second_loopback}, range, false);
  });
  CHECK(has(text, fmt::format("{}:{}", range.first, range.last)));
  CHECK(has(text, "127.0.0.1, 127.0.0.2"));
  // libzmq's own thread closes what is taken back.
  for (const auto port : {range.first, range.last}) {
    const auto endpoint = first_loopback.endpoint(fmt::format("{}", port));
    const auto patience = std::chrono::steady_clock::now() + 30s;
    while (outcome_of(endpoint, 1s) != Probe::Outcome::refused &&
           std::chrono::steady_clock::now() < patience) {
      std::this_thread::sleep_for(10ms);
    }
    CHECK(outcome_of(endpoint, 30s) == Probe::Outcome::refused);
  }
}

TEST_CASE("listener: of a range, the port that is free; of none, an error that names them") {
  zmq::context_t context;
  std::optional<HeldPair> held{two_ports(HeldPort::How::listening)};
  const rankwire::PortRange range{held->first.port(), held->second.port()};
  zmq::socket_t in_vain{context, zmq::socket_type::router};
  const std::string text =
      refused([&] { return bind_all(in_vain, {first_loopback}, range, false); });
  CHECK(has(text, fmt::format("{}:{}", range.first, range.last)));
  CHECK(has(text, "--port-range"));
  const auto one = [&](bool is_master) {
    return refused([&] {
      return bind_all(in_vain, {first_loopback}, {range.first, range.first}, is_master);
    });
  };
  CHECK(has(one(true), "another master"));
  CHECK(has(one(true), fmt::format(":{}: ", range.first)));
  CHECK(has(one(false), fmt::format("the only port of --port-range {0}:{0} is", range.first)));
  CHECK_FALSE(has(one(false), "master"));
  held.reset();
  const HeldPort first{HeldPort::How::listening, "127.0.0.1", range.first};
  REQUIRE(first.held());
  zmq::socket_t socket{context, zmq::socket_type::router};
  CHECK(port_of(bind_all(socket, {first_loopback}, range, false).front()) == range.last);
}

TEST_CASE("probe: accepted, refused, silent") {
  const HeldPort listening{HeldPort::How::listening};
  CHECK(outcome_of(listening.endpoint(), 30s) == Probe::Outcome::accepted);
  const HeldPort bound{HeldPort::How::bound};
  CHECK(outcome_of(bound.endpoint(), 30s) == Probe::Outcome::refused);
  const DeafPort deaf;
  Probe waiting{deaf.endpoint(), 30s};
  CHECK_FALSE(waiting.outcome());
  CHECK(outcome_of(deaf.endpoint(), 100ms) == Probe::Outcome::silent);
  // Another error than a refusal says nothing about the process: no connection goes to all hosts.
  CHECK(outcome_of("tcp://255.255.255.255:7", 100ms) == Probe::Outcome::silent);
  CHECK_THROWS_AS((Probe{"tcp://localhost:7", 1s}), UsageError);
  if (has_ipv6()) {
    CHECK(outcome_of("tcp://[::1]:1", 30s) != Probe::Outcome::silent);
  }
}

TEST_CASE("address file: is written whole, for all to read, and goes away with its owner") {
  const Folder folder;
  const std::string path = folder.file("addresses");
  {
    AddressFile file{path, {"tcp://10.1.2.3:5", "tcp://[::1]:5"}};
    CHECK(content(path) == "tcp://10.1.2.3:5\ntcp://[::1]:5\n");
    CHECK(folder.entries() == 1);
    struct stat about {};
    REQUIRE(stat(path.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777U) == 0644U);
    const AddressFile moved = std::move(file);
    CHECK(read_address_file(path).endpoints.size() == 2);
  }
  CHECK(folder.entries() == 0);
}

TEST_CASE("address file: that of another master is replaced, and left alone") {
  const Folder folder;
  const std::string path = folder.file("addresses");
  write(path, "tcp://10.0.0.1:1\n");
  auto older = std::make_unique<AddressFile>(path, std::vector<std::string>{"tcp://10.0.0.2:2"});
  CHECK(content(path) == "tcp://10.0.0.2:2\n");
  const AddressFile newer{path, {"tcp://10.0.0.3:3"}};
  older.reset();
  CHECK(content(path) == "tcp://10.0.0.3:3\n");
}

TEST_CASE("address file: what cannot be written is refused by name, and nothing is left") {
  const Folder folder;
  const auto written = [](const std::string& path) {
    return refused([&] { return AddressFile{path, {"tcp://10.0.0.1:1"}}; });
  };
  CHECK(has(written(folder.file("no/such/folder")), "no/such/folder"));
  CHECK(has(written(folder.file("")), "no ordinary file"));
  CHECK(has(written("/dev/null"), "no ordinary file"));
  CHECK(has(written(folder.file("\x1b[2J\n/a")), R"(\x1b[2J\x0a/a)"));
  CHECK(folder.entries() == 0);
}

TEST_CASE("address file: one that is not complete is waited for, a wrong one is refused") {
  const Folder folder;
  const std::string path = folder.file("addresses");
  const auto read = [&](const std::string& text) {
    write(path, text);
    return read_address_file(path);
  };
  const auto fault = [&](const std::string& text) { return refused([&] { return read(text); }); };
  CHECK(has(read_address_file(path).missing, "no such file"));
  CHECK(has(read("").missing, "empty"));
  CHECK(has(read("tcp://10.0.0.1:55").missing, "no end"));
  CHECK(has(read("\n\n").missing, "no endpoint"));
  CHECK(read("tcp://10.0.0.1:55\r\n\ntcp://name:1\n").endpoints ==
        std::vector<std::string>{"tcp://10.0.0.1:55", "tcp://name:1"});
  const std::string wrong = fault("tcp://10.0.0.1:55\nhello\n");
  CHECK(has(wrong, path));
  CHECK(has(wrong, "line 2"));
  CHECK(has(fault("tcp://10.0.0.1:0\n"), "line 1"));
  CHECK(has(fault("tcp://*:7\n"), "line 1"));
  std::string many;
  for (int i = 0; i < 65; ++i) many += "tcp://10.0.0.1:55\n";
  CHECK(has(fault(many), "line 65"));
  CHECK(has(fault(std::string(70'000, 'x') + "\n"), "larger"));
  REQUIRE(std::filesystem::remove(path));
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  CHECK(has(refused([&] { return read_address_file(path); }), "no ordinary file"));
}

TEST_CASE("probe: who is to speak: libzmq does, a system that accepts for it does not") {
  const auto asked = [](const std::string& endpoint, std::chrono::milliseconds limit) {
    Probe probe{endpoint, limit, Probe::Until::spoke};
    while (!probe.outcome()) std::this_thread::sleep_for(1ms);
    return *probe.outcome();
  };
  zmq::context_t context;
  zmq::socket_t socket{context, zmq::socket_type::router};
  const auto endpoint = bind_all(socket, {first_loopback}, any_port, true).front();
  CHECK(asked(endpoint, 30s) == Probe::Outcome::spoke);
  const HeldPort listening{HeldPort::How::listening};
  CHECK(asked(listening.endpoint(), 100ms) == Probe::Outcome::mute);
  const HeldPort bound{HeldPort::How::bound};
  CHECK(asked(bound.endpoint(), 30s) == Probe::Outcome::refused);
  const DeafPort deaf;
  CHECK(asked(deaf.endpoint(), 100ms) == Probe::Outcome::silent);
}
