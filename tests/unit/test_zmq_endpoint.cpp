#include <doctest/doctest.h>

#include <string>

#include "rankwire/errors.hpp"
#include "rankwire/printable.hpp"
#include "reach/endpoint.hpp"

using namespace rankwire;

TEST_CASE("endpoints: host and port") {
  CHECK(parse_endpoint("tcp://127.0.0.1:5555").host == "127.0.0.1");
  CHECK(parse_endpoint("tcp://127.0.0.1:5555").port == 5555);
  CHECK(parse_endpoint("tcp://[::1]:0").host == "::1");
  CHECK(parse_endpoint("tcp://[fe80::1%eth0]:1").host == "fe80::1%eth0");
  CHECK(parse_endpoint("tcp://*:65535").port == 65535);
  CHECK(endpoint_text(parse_endpoint("tcp://[::1]:5555")) == "tcp://[::1]:5555");
  CHECK(endpoint_text(parse_endpoint("tcp://node-7.local:5555")) == "tcp://node-7.local:5555");
}

TEST_CASE("endpoints: the path of a Unix socket") {
  const std::string longest = "/" + std::string(106, 'x');
  CHECK(parse_endpoint("ipc:///tmp/a socket").path == "/tmp/a socket");
  CHECK(parse_endpoint("ipc://" + longest).path == longest);
  CHECK(parse_endpoint("ipc:///tmp/s").is_ipc());
  CHECK_FALSE(parse_endpoint("tcp://a:1").is_ipc());
  CHECK(endpoint_text(parse_endpoint("ipc:///tmp/s")) == "ipc:///tmp/s");
}

TEST_CASE("endpoints: what is wrong is said") {
  const auto wrong = [](const std::string& text, const std::string& part) {
    CAPTURE(text);
    try {
      (void)parse_endpoint(text);
      FAIL_CHECK("accepted");
    } catch (const UsageError& error) {
      CHECK(std::string{error.what()}.find(part) != std::string::npos);
      CHECK(std::string{error.what()}.find(printable(text)) != std::string::npos);
    }
  };
  wrong("", "tcp:// is missing");
  wrong("127.0.0.1:5555", "tcp:// is missing");
  wrong("udp://a:1", "the scheme 'udp' is neither tcp nor ipc");
  wrong("ipc://", "the path of the socket is missing");
  wrong("ipc://job.sock", "the path 'job.sock' is relative");
  wrong("ipc://*", "is relative");
  wrong("ipc://@job", "abstract names");
  wrong("ipc:///tmp/", "names a folder");
  wrong("ipc:///tmp/a\nb", "cannot be printed");
  wrong("ipc:///tmp/\xe9", "cannot be printed");
  wrong("ipc:///" + std::string(107, 'x'), "has 108 bytes, and the system takes 107");
  wrong("tcp://", "the host is missing");
  wrong("tcp://:5555", "the host is missing");
  wrong("tcp://a", "the port is missing");
  wrong("tcp://a:", "the port is missing");
  wrong("tcp://a:x", "the port 'x' is not a number");
  wrong("tcp://a:-1", "the port '-1' is not a number");
  wrong("tcp://a:65536", "the port '65536' is not a number");
  wrong("tcp://a:1 ", "the port '1 ' is not a number");
  wrong("tcp://::1:5555", "put an IPv6 address in brackets");
  wrong("tcp://[::1:5555", "is not closed");
  wrong("tcp://[node]:5555", "is not an IPv6 address");
  wrong("tcp://[::1]", "the port is missing");
  wrong("tcp://a b:1", "no host name has");
}
