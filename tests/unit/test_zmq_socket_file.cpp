#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "../support/folder.hpp"
#include "rankwire/errors.hpp"
#include "reach/address.hpp"
#include "reach/probe.hpp"
#include "sockets/socket_file.hpp"
#include "text_of.hpp"

using namespace rankwire::zmq_wire;
using namespace std::chrono_literals;
using rankwire::UsageError;

namespace {

constexpr int backlog = 10;

bool is_there(const std::string& path) {
  struct stat about {};
  return lstat(path.c_str(), &about) == 0;
}

unsigned mode_of(const std::string& path) {
  struct stat about {};
  REQUIRE(lstat(path.c_str(), &about) == 0);
  return about.st_mode & 0777U;
}

bool is_answered(const std::string& path) {
  return probe_all({"ipc://" + path}, 10s).front().outcome() == Probe::Outcome::accepted;
}

/// What a process that was killed leaves.
void leave_dead(const std::string& path) {
  const Descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const SocketAddress address = socket_address(rankwire::parse_endpoint("ipc://" + path));
  REQUIRE(bind(socket.get(), address.get(), address.length) == 0);
  REQUIRE(listen(socket.get(), backlog) == 0);
}

}  // namespace

TEST_CASE("socket file: for its owner only, whatever the umask, and gone at the end") {
  const Folder folder;
  const std::string path = folder / "s";
  const mode_t before = umask(0);
  {
    const auto master = SocketFile::of_master(path, backlog);
    const auto worker = SocketFile::of_worker(path, backlog);
    umask(before);
    CHECK(master.path() == path);
    CHECK(worker.path().starts_with(path + ".w"));
    CHECK(worker.path().size() == path.size() + rankwire::ipc_suffix_bytes);
    for (const auto* const file : {&master, &worker}) {
      CHECK(mode_of(file->path()) == 0600);
      CHECK(is_answered(file->path()));
    }
  }
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("socket file: a master that lives keeps its path, one that was killed does not") {
  const Folder folder;
  const std::string path = folder / "s";
  leave_dead(path);
  const auto first = SocketFile::of_master(path, backlog);
  CHECK(is_answered(path));
  const auto second = [&] { (void)SocketFile::of_master(path, backlog); };
  CHECK_SAYS(text_of<UsageError>(second), "somebody listens there already");
  CHECK(is_answered(path));
}

TEST_CASE("socket file: what is no socket stays") {
  const Folder folder;
  const std::string path = folder.write("s", "precious");
  const auto listen_there = [&] { (void)SocketFile::of_master(path, backlog); };
  CHECK_SAYS(text_of<UsageError>(listen_there), "no socket; name another");
  CHECK(content_of(path) == "precious");
}

TEST_CASE("socket file: what the system refuses is said, with what to do") {
  const Folder folder;
  const auto text = [](const std::string& path) {
    return text_of<UsageError>([&] { (void)SocketFile::of_master(path, backlog); });
  };
  CHECK_SAYS(text(folder / "none/s"), "make the folder first");
  CHECK_SAYS(text(folder / std::string(100, 'x')), "more than 107 bytes");
  CHECK_SAYS(text_of<UsageError>(
                 [&] { (void)SocketFile::of_worker("/tmp/" + std::string(95, 'x'), backlog); }),
             "has 110 bytes, and the system takes 107");
}

TEST_CASE("socket file: what killed workers left goes at the start and the end of a master") {
  const Folder folder;
  const std::string path = folder / "s";
  const std::vector<std::string> dead{path + ".w00c0ffee", path + ".w12345678"};
  const std::vector<std::string> others{path + ".wxxxxxxxx", path + ".w1234567",
                                        path + "x.w12345678"};
  for (const auto& each : dead) leave_dead(each);
  for (const auto& each : others) leave_dead(each);
  const std::string file = folder.write("s.w00000000", "no socket");
  const auto living = SocketFile::of_worker(path, backlog);
  {
    const auto master = SocketFile::of_master(path, backlog);
    for (const auto& each : dead) CHECK_FALSE(is_there(each));
    leave_dead(dead.front());
  }
  CHECK_FALSE(is_there(dead.front()));
  for (const auto& each : others) CHECK(is_there(each));
  CHECK(is_there(file));
  CHECK(is_answered(living.path()));
}

TEST_CASE("socket file: another's socket that has the path by now stays") {
  const Folder folder;
  const std::string path = folder / "s";
  auto first = SocketFile::of_master(path, backlog);
  std::filesystem::rename(path, path + ".old");
  const auto second = SocketFile::of_master(path, backlog);
  first = {};
  CHECK(is_answered(path));
}

TEST_CASE("socket file: many masters at once over a dead one's: one has the path") {
  const Folder folder;
  const std::string path = folder / "s";
  constexpr int rounds = 200;  // without the lock, two have it in some of them
  for (int round = 0; round < rounds; ++round) {
    leave_dead(path);
    std::atomic<int> refused = 0;
    std::vector<SocketFile> files(8);
    std::vector<std::thread> threads;
    for (auto& file : files) {
      threads.emplace_back([&] {
        try {
          file = SocketFile::of_master(path, backlog);
        } catch (const UsageError&) {
          ++refused;
        }
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(refused == 7);
    CHECK(is_answered(path));
  }
}

TEST_CASE("socket file: a folder that somebody keeps locked is waited for, and then said") {
  const Folder folder;
  const Descriptor lock{::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  REQUIRE(flock(lock.get(), LOCK_EX) == 0);
  const auto listen_there = [&] { (void)SocketFile::of_master(folder / "s", backlog); };
  CHECK_SAYS(text_of<UsageError>(listen_there), "locked for 5 s");
  CHECK_FALSE(is_there(folder / "s"));
}
