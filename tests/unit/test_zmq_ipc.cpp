#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <thread>
#include <utility>
#include <zmq.hpp>

#include "../support/folder.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/keys.hpp"
#include "reach/descriptor.hpp"
#include "sockets/doorman.hpp"
#include "sockets/silence.hpp"
#include "zmq_stranger.hpp"
#include "zmq_world.hpp"

using namespace zmq_world;
using rankwire::UsageError;
using rankwire::zmq_wire::Descriptor;
using rankwire::zmq_wire::Doorman;
using rankwire::zmq_wire::Silence;
using rankwire::zmq_wire::StreamConnection;

// Worlds over Unix sockets, and connections whose other end is a process of this host.

namespace {

constexpr std::string_view last_words = "that was all";

/// Two ends of a connection; `other` belongs to a process of its own that does nothing.
class Pair {
 public:
  /// With a helper, that process has said something, and forked another, which holds its end as
  /// long as the connection stands.
  explicit Pair(bool with_helper = false) {
    std::array<int, 2> ends{-1, -1};
    // Who calls socketpair is the process at both ends: so the other process has to.
    std::array<int, 2> way{-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, way.data()) == 0);
    child_ = fork();
    if (child_ == 0) {
      if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) _exit(1);
      if (with_helper) {
        if (::write(ends[1], last_words.data(), last_words.size()) < 0) _exit(1);
        if (fork() == 0) {
          ::close(ends[0]);
          char byte = 0;
          while (::read(ends[1], &byte, 1) > 0) continue;
          _exit(0);
        }
      }
      pass(way[1], ends[0]);
      for (;;) pause();
    }
    own_ = Descriptor{take(way[0])};
    ::close(way[0]);
    ::close(way[1]);
    REQUIRE(own_);
  }
  ~Pair() { end(); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  [[nodiscard]] int descriptor() const { return own_.get(); }
  [[nodiscard]] pid_t child() const { return child_; }
  void end() {
    if (child_ <= 0) return;
    kill(child_, SIGKILL);
    waitpid(std::exchange(child_, -1), nullptr, 0);
  }
  /// What it said is there to be read, once.
  [[nodiscard]] bool has_said() const {
    std::array<char, last_words.size()> said{};
    return ::recv(own_.get(), said.data(), said.size(), MSG_DONTWAIT) ==
               static_cast<ssize_t>(said.size()) &&
           std::string_view{said.data(), said.size()} == last_words;
  }
  /// Whether this end was shut down.
  [[nodiscard]] bool is_ended() const {
    char byte = 0;
    return ::recv(own_.get(), &byte, 1, MSG_DONTWAIT) == 0;
  }

 private:
  struct Letter {
    char byte = 'x';
    iovec content{&byte, 1};
    std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr head{};
    Letter() {
      head.msg_iov = &content;
      head.msg_iovlen = 1;
      head.msg_control = control.data();
      head.msg_controllen = control.size();
    }
  };
  static void pass(int way, int descriptor) {
    Letter letter;
    cmsghdr* const head = CMSG_FIRSTHDR(&letter.head);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(head), &descriptor, sizeof descriptor);
    if (sendmsg(way, &letter.head, 0) != 1) _exit(1);
  }
  static int take(int way) {
    Letter letter;
    if (recvmsg(way, &letter.head, MSG_CMSG_CLOEXEC) != 1) return -1;
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&letter.head)), sizeof descriptor);
    return descriptor;
  }

  pid_t child_ = -1;
  Descriptor own_{-1};
};

constexpr auto limit = 200ms;

template <class Looker>
void look_for(Looker& looker, std::chrono::milliseconds duration) {
  [[maybe_unused]] std::uint64_t sweeps = 1;  // all that has come is read in each round
  const rankwire::Deadline end{duration};
  while (!end.expired()) {
    if constexpr (std::is_same_v<Looker, Doorman>) {
      looker.look(sweeps += 2);
    } else {
      looker.look();
    }
    std::this_thread::sleep_for(10ms);
  }
}

std::size_t entries(const Folder& folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator{folder.path()}, {}));
}

struct World {
  Opened master, one, two;
};

World world_at(const std::string& endpoint, const ZmqSettings& of_master = settings(),
               const ZmqSettings& of_workers = settings()) {
  auto zero = master(endpoint, 3, of_master);
  auto one = worker(endpoint, 1, of_workers);
  auto two = worker(endpoint, 2, of_workers);
  return {zero.get(), one.get(), two.get()};
}

void check_works(World& world) {
  rankwire::send(*world.one, 2, 1, 12);
  rankwire::send(*world.two, 0, 1, 20);
  CHECK(rankwire::recv<int>(*world.two, 1, 1, patience) == 12);
  CHECK(rankwire::recv<int>(*world.master, 2, 1, patience) == 20);
}

}  // namespace

TEST_CASE("ipc: the process at the other end of a Unix socket") {
  const Pair pair;
  const auto connection = StreamConnection::at(pair.descriptor());
  REQUIRE(connection);
  REQUIRE(connection->process());
  CHECK(connection->process()->id == pair.child());
  CHECK(connection->process()->user == geteuid());
  CHECK_FALSE(connection->facts());
}

TEST_CASE("ipc: a Unix socket is given room for more than Linux gives it") {
  const Pair pair;
  const auto room = [&] {
    int bytes = 0;
    socklen_t length = sizeof bytes;
    REQUIRE(getsockopt(pair.descriptor(), SOL_SOCKET, SO_SNDBUF, &bytes, &length) == 0);
    return bytes;
  };
  const int before = room();
  StreamConnection::at(pair.descriptor())->suit_one_host();
  CHECK(room() > before);
}

TEST_CASE("silence: over ipc, a process that has exited is ended, though another holds its end") {
  Pair ends{true}, lives{true};
  Silence silence;
  silence.watch(ends.descriptor(), limit);
  silence.watch(lives.descriptor(), limit);
  look_for(silence, limit);
  ends.end();
  // All that it had said before is still there.
  look_for(silence, limit);
  CHECK(ends.has_said());
  CHECK(ends.is_ended());
  CHECK(lives.has_said());
  CHECK_FALSE(lives.is_ended());
}

TEST_CASE("doorman: over ipc, who stays too long is shown out; a number of another's is left") {
  const Pair stranger, other;
  auto gone = std::make_unique<Pair>();
  const int number = gone->descriptor();
  Doorman doorman{{.stay = 1ms, .strangers = 100, .bytes = 1000}};
  doorman.came(stranger.descriptor());
  doorman.came(number);
  REQUIRE(dup2(other.descriptor(), number) == number);
  std::this_thread::sleep_for(5ms);
  look_for(doorman, 250ms);
  CHECK(stranger.is_ended());
  CHECK_FALSE(other.is_ended());
}

TEST_CASE("ipc: a world of one host; its sockets are its owner's, and gone at the end") {
  const Folder folder;
  const std::string endpoint = "ipc://" + folder / "s";
  {
    World world = world_at(endpoint);
    check_works(world);
    CHECK(entries(folder) == 3);
    for (const auto* const rank : {&world.master, &world.one}) {
      const auto info = (*rank)->info();
      CHECK_FALSE(info.across_hosts);
      CHECK_FALSE(info.encrypted);
      CHECK(info.peers[0].endpoint == endpoint);
      for (const auto& peer : info.peers) {
        CHECK_FALSE(peer.relayed);
        REQUIRE(peer.endpoint.starts_with(endpoint));
        struct stat about {};
        REQUIRE(stat(peer.endpoint.c_str() + 6, &about) == 0);
        CHECK((about.st_mode & 0777U) == 0600);
      }
    }
  }
  CHECK(entries(folder) == 0);
}

TEST_CASE("ipc: port 0's way, by an address file, leads there too") {
  const Folder folder;
  auto with_file = settings();
  with_file.address_file = folder / "addr";
  auto one = worker("@" + folder / "addr", 1);
  auto two = worker("@" + folder / "addr", 2);
  auto zero = master("ipc://" + folder / "s", 3, with_file);
  World world{zero.get(), one.get(), two.get()};
  CHECK(content_of(folder / "addr") == "ipc://" + folder / "s" + "\n");
  check_works(world);
}

TEST_CASE("ipc: a second master is refused, and the first goes on") {
  const Folder folder;
  const std::string endpoint = "ipc://" + folder / "s";
  World world = world_at(endpoint);
  auto second = master(endpoint, 2);
  CHECK(has(refusal<UsageError>(second), "somebody listens there already"));
  check_works(world);
}

TEST_CASE("ipc: with keys, links are encrypted, and who has none is told so") {
  const Folder folder;
  const std::string endpoint = "ipc://" + folder / "s";
  const auto own = rankwire::create_keys(folder.path(), "master");
  const auto joins = rankwire::create_keys(folder / "allowed", "worker");
  auto of_master = settings();
  of_master.key = own.secret_file;
  of_master.allow = folder / "allowed";
  auto of_workers = settings();
  of_workers.key = joins.secret_file;
  of_workers.server_key = own.public_file;
  auto zero = master(endpoint, 3, of_master);
  auto without = worker(endpoint);
  CHECK(has(refusal<UsageError>(without), "the master asks for keys"));
  auto one = worker(endpoint, 1, of_workers);
  auto two = worker(endpoint, 2, of_workers);
  World world{zero.get(), one.get(), two.get()};
  CHECK(world.master->info().encrypted);
  check_works(world);
}

TEST_CASE("ipc: what is no rank's is dropped, and the world goes on") {
  const Folder folder;
  World world = world_at("ipc://" + folder / "s");
  for (const int at : {0, 1}) {
    CAPTURE(at);
    auto& rank = at == 0 ? *world.master : *world.one;
    const auto endpoint = rank.info().peers[static_cast<std::size_t>(at)].endpoint;
    Stranger stranger{endpoint};
    stranger.send(random_bytes(100));
    const rankwire::Deadline end = patience;
    while (rank.info().frames_dropped == 0 && !end.expired()) (void)rank.departure(2);
    CHECK(rank.info().frames_dropped == 1);
  }
  check_works(world);
}

TEST_CASE("ipc: a worker without keys obeys no other user's master") {
  constexpr uid_t nobody = 65534;
  if (geteuid() != 0) {
    MESSAGE("skipped: only root can listen as another user");
    return;
  }
  const Folder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  const std::string endpoint = "ipc://" + folder / "s";
  zmq::context_t context;
  zmq::socket_t stranger{context, zmq::socket_type::router};
  REQUIRE(seteuid(nobody) == 0);  // the system notes who begins to listen
  stranger.bind(endpoint);
  REQUIRE(seteuid(0) == 0);
  auto refused = worker(endpoint);
  CHECK(has(refusal<UsageError>(refused), "another user (id 65534)"));
}
