#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "../support/fault_proxy.hpp"

// The proxy itself: each fault does what its name says, seen from raw sockets on its two sides.

using namespace std::chrono_literals;
using support::Fault;
using support::FaultProxy;
using Clock = FaultProxy::Clock;

namespace {

constexpr int patience_ms = 20'000;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// One end of a TCP connection.
class End {
 public:
  explicit End(int fd) : fd_{fd} {}
  End(End&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  End(const End&) = delete;
  End& operator=(const End&) = delete;
  End& operator=(End&&) = delete;
  ~End() {
    if (fd_ >= 0) close(fd_);
  }
  void write(const std::string& text) const {
    CHECK(send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }
  /// What comes within the time: text, "" for nothing, "end", or "reset".
  [[nodiscard]] std::string read(int wait_ms = patience_ms) const {
    pollfd waiting{fd_, POLLIN, 0};
    if (poll(&waiting, 1, wait_ms) <= 0) return "";
    std::string text(1000, '\0');
    const ssize_t size = recv(fd_, text.data(), text.size(), 0);
    if (size < 0) return errno == ECONNRESET ? "reset" : "error";
    return size == 0 ? "end" : text.substr(0, static_cast<std::size_t>(size));
  }

 private:
  int fd_;
};

/// Who is behind the proxy, and the proxy.
class Behind {
 public:
  Behind() : listener_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}, proxy{port()} {}
  ~Behind() { close(listener_); }
  Behind(const Behind&) = delete;
  Behind& operator=(const Behind&) = delete;

  /// -1 where nobody listens.
  [[nodiscard]] int dial() const {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = loopback(proxy.port());
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    close(fd);
    return -1;
  }
  [[nodiscard]] std::pair<End, End> connection() const {
    const int dialed = dial();
    REQUIRE(dialed >= 0);
    pollfd waiting{listener_, POLLIN, 0};
    REQUIRE(poll(&waiting, 1, patience_ms) == 1);
    return {End{dialed}, End{accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)}};
  }

 private:
  [[nodiscard]] std::uint16_t port() const {
    auto address = loopback(0);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t length = sizeof address;
    REQUIRE(bind(listener_, generic, length) == 0);
    REQUIRE(listen(listener_, 10) == 0);
    REQUIRE(getsockname(listener_, generic, &length) == 0);
    return ntohs(address.sin_port);
  }
  int listener_;

 public:
  FaultProxy proxy;
};

/// One fault after five bytes.
support::FaultSchedule after_five(Fault fault) {
  fault.sound_bytes = 5;
  return {0, {fault}};
}

}  // namespace

TEST_CASE("proxy: sound, it passes both ways, and each end on") {
  const Behind behind;
  const auto [dialer, target] = behind.connection();
  dialer.write("up");
  CHECK(target.read() == "up");
  target.write("down");
  CHECK(dialer.read() == "down");
  auto [gone, other] = behind.connection();
  { const End ends_here{std::move(gone)}; }
  CHECK(other.read() == "end");
}

TEST_CASE("proxy: a cut comes after so many bytes and ends both sides") {
  for (const bool reset : {false, true}) {
    Behind behind;
    const auto [dialer, target] = behind.connection();
    behind.proxy.start(after_five({.kind = reset ? Fault::Kind::reset : Fault::Kind::cut}));
    dialer.write("1234567");
    CHECK(target.read() == "12345");
    CHECK(target.read() == (reset ? "reset" : "end"));
    CHECK(dialer.read() == (reset ? "reset" : "end"));
    const auto [again, there] = behind.connection();
    again.write("up");
    CHECK(there.read() == "up");
    CHECK(behind.proxy.faults_begun() == 1);
  }
}

TEST_CASE("proxy: a cut that lasts lets nobody in") {
  Behind behind;
  const auto [dialer, target] = behind.connection();
  behind.proxy.start(after_five({.kind = Fault::Kind::cut, .duration = 300ms}));
  dialer.write("12345");
  CHECK(target.read() == "12345");
  CHECK(target.read() == "end");
  const auto began = *behind.proxy.began(0);
  std::string came = "end";
  while (came == "end") {
    const End newcomer{behind.dial()};
    came = newcomer.read(100);
  }
  CHECK(Clock::now() - began >= 300ms);
}

TEST_CASE("proxy: a stall holds bytes back and ends nothing") {
  for (const auto kind : {Fault::Kind::stall, Fault::Kind::stall_up, Fault::Kind::delay}) {
    Behind behind;
    const auto [dialer, target] = behind.connection();
    behind.proxy.start(after_five({.kind = kind, .duration = 300ms, .held = 300ms}));
    dialer.write("12345");
    CHECK(target.read() == "12345");
    dialer.write("late");
    if (kind == Fault::Kind::stall_up) {
      target.write("down");
      CHECK(dialer.read() == "down");
    }
    CHECK(target.read() == "late");
    CHECK(Clock::now() - *behind.proxy.began(0) >= 300ms);
  }
}

TEST_CASE("proxy: half-open, one side has gone and the other is not told") {
  for (const bool up : {true, false}) {
    Behind behind;
    const auto [dialer, target] = behind.connection();
    const auto kind = up ? Fault::Kind::half_up : Fault::Kind::half_down;
    behind.proxy.start(after_five({.kind = kind, .duration = 400ms}));
    dialer.write("12345");
    CHECK(target.read() == "12345");
    CHECK((up ? dialer : target).read() == "end");
    CHECK((up ? target : dialer).read() == "end");
    CHECK(Clock::now() - *behind.proxy.began(0) >= 400ms);
  }
}

TEST_CASE("proxy: throttled, bytes take their time") {
  Behind behind;
  const auto [dialer, target] = behind.connection();
  behind.proxy.start(
      after_five({.kind = Fault::Kind::throttle, .duration = 10s, .bytes_per_s = 1000}));
  dialer.write("12345");
  CHECK(target.read() == "12345");
  dialer.write(std::string(400, 'x'));
  for (std::size_t came = 0; came < 400;) came += target.read().size();
  CHECK(Clock::now() - *behind.proxy.began(0) >= 250ms);
}

TEST_CASE("proxy: by hand") {
  Behind behind;
  const auto [dialer, target] = behind.connection();
  behind.proxy.stall(true);
  dialer.write("late");
  CHECK(target.read(100).empty());
  behind.proxy.stall(false);
  CHECK(target.read() == "late");
  behind.proxy.refuse(true);
  CHECK(behind.dial() == -1);
  behind.proxy.refuse(false);
  const End newcomer{behind.dial()};
  behind.proxy.cut_all();
  CHECK(dialer.read() == "end");
  CHECK(target.read() == "end");
}
