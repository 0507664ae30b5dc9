#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "rankwire/errors.hpp"
#include "reach/descriptor.hpp"
#include "reach/open_files.hpp"
#include "sockets/stream_connection.hpp"
#include "sockets/wire.hpp"
#include "zmq_world.hpp"

using namespace rankwire::zmq_wire;
using zmq_world::has;

namespace {

/// So many files may be open, by its life.
class FileLimit {
 public:
  explicit FileLimit(rlim_t files) {
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit now{files, before_.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &now) == 0);
  }
  ~FileLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit before_{};
};

/// The number that the next file gets.
rlim_t next_number() {
  const Descriptor next{dup(0)};
  REQUIRE(next);
  return static_cast<rlim_t>(next.get());
}

/// Whether that comes next of a Wire.
bool comes(Wire& wire, Incoming::What what) {
  const rankwire::Deadline end = zmq_world::patience;
  while (const auto incoming = wire.receive(end)) {
    if (incoming->what == what) return true;
  }
  return false;
}

/// Who says the next hello; 0: nobody.
ConnectionId caller_of_hello(Wire& listener) {
  const rankwire::Deadline end = zmq_world::patience;
  while (const auto incoming = listener.receive(end)) {
    if (incoming->what == Incoming::What::frame) return incoming->connection;
  }
  return 0;
}

std::string missing_for(std::size_t more) {
  try {
    check_files_left(more, "a test");
  } catch (const rankwire::TransportError& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("open files: what is short is said, with the limit") {
  CHECK(file_shortage().empty());
  CHECK(missing_for(1).empty());
  {
    const FileLimit limit{200};
    CHECK(file_shortage().empty());
    const std::string text = missing_for(200);
    CHECK(has(text, "a test needs about 200 open files"));
    CHECK(has(text, "ulimit -n is 200"));
    CHECK(missing_for(50).empty());
  }
  const FileLimit none{1};
  CHECK(has(file_shortage(), "ulimit -n is 1"));
  CHECK(has(missing_for(1), "ulimit -n is 1"));
}

TEST_CASE("open files: a master that runs out of them while it waits says so, not that none came") {
  const auto endpoint = conformance::free_endpoint();
  auto hurried = zmq_world::settings();
  hurried.join_timeout = std::chrono::milliseconds{1500};
  auto zero = zmq_world::master(endpoint, 2, hurried);
  CHECK(zero.wait_for(std::chrono::milliseconds{500}) == std::future_status::timeout);
  const FileLimit none{4};  // less than are open, and enough for poll
  const std::string text = zmq_world::refusal<rankwire::TransportError>(zero);
  CHECK(has(text, "did not come"));
  CHECK(has(text, "ulimit -n is 4"));
}

TEST_CASE("open files: the soft limit is raised to the hard one") {
  const FileLimit low{200};
  raise_file_limit();
  rlimit now{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &now) == 0);
  CHECK(now.rlim_cur == now.rlim_max);
}

// They are for connections first.
TEST_CASE("open files: where they are half used up, none is taken to watch a process") {
  std::array<int, 2> ends{-1, -1};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const Descriptor one{ends[0]}, other{ends[1]};
  const auto connection = StreamConnection::at(one.get());
  REQUIRE(connection);
  if (!connection->end_of_process()) {
    MESSAGE("left out: this system does not tell of the end of a process");
    return;
  }
  const rlim_t number = next_number();
  {
    const FileLimit half{2 * number};
    CHECK_FALSE(connection->end_of_process());
  }
  const FileLimit less{2 * (number + 1)};
  CHECK(connection->end_of_process());
}

TEST_CASE("open files: who finds none to dial again with goes on, and dials when there is one") {
  Wire listener{zmq_world::patience, {}}, dialer{zmq_world::patience, {}};
  const auto endpoint =
      listener.listen({{.number = "127.0.0.1", .loopback = true}}, {}, false).front();
  const auto dialed = dialer.dial(endpoint, frame_bytes_max(piece_bytes_min));
  REQUIRE(comes(dialer, Incoming::What::up));
  for (const int slack : {-1, 0, 1, 2, 3, 4}) {  // -1: there is none, for sure
    CAPTURE(slack);
    REQUIRE(dialer.send(dialed, {.kind = Kind::hello, .tag = protocol_version}, {}));
    const auto caller = caller_of_hello(listener);
    REQUIRE(caller != 0);
    bool stands = false;
    {
      const FileLimit few{slack < 0 ? 4 : next_number() + static_cast<rlim_t>(slack)};
      listener.show_out(caller);
      REQUIRE(comes(dialer, Incoming::What::down));
      const rankwire::Deadline end = std::chrono::milliseconds{700};
      while (const auto incoming = dialer.receive(end)) {
        if (incoming->what == Incoming::What::up) stands = true;
        if (incoming->what == Incoming::What::down) stands = false;
      }
      if (slack < 0) CHECK_FALSE(stands);
    }
    if (!stands) REQUIRE(comes(dialer, Incoming::What::up));
  }
}
