#include <doctest/doctest.h>

#include <string>

#include "options/zmq_settings.hpp"
#include "rankwire/errors.hpp"

using namespace rankwire;
using zmq_wire::read_zmq_settings;
using zmq_wire::ZmqSettings;

namespace {

ZmqSettings read(const std::map<std::string, std::string, std::less<>>& options) {
  Settings settings;
  settings.options = options;
  return read_zmq_settings(settings);
}

}  // namespace

TEST_CASE("options of zmq: each reaches its field") {
  const ZmqSettings standard = read({});
  CHECK(standard.job == "default");
  CHECK_FALSE(standard.rank);
  CHECK_FALSE(standard.insecure);
  const ZmqSettings all = read({{"listen", "tcp://127.0.0.1:0"},
                                {"join", "tcp://a:1"},
                                {"rank", "2"},
                                {"job", "j"},
                                {"address-file", "where"},
                                {"advertise", "[fe80::1%eth0]"},
                                {"port-range", "6000:6099"},
                                {"key", "k"},
                                {"allow", "d"},
                                {"server-key", "m"},
                                {"insecure", "true"}});
  CHECK(all.options.size() == zmq_wire::zmq_options().size());
  CHECK(all.listen == "tcp://127.0.0.1:0");
  CHECK(all.join == "tcp://a:1");
  CHECK(all.rank == 2);
  CHECK(all.job == "j");
  CHECK(all.address_file == "where");
  CHECK(all.advertise == "fe80::1%eth0");
  REQUIRE(all.port_range);
  CHECK(all.port_range->first == 6000);
  CHECK(all.port_range->last == 6099);
  CHECK(all.key == "k");
  CHECK(all.allow == "d");
  CHECK(all.server_key == "m");
  CHECK(all.insecure);
  CHECK_FALSE(read({{"insecure", "false"}}).insecure);
  CHECK(read({{"insecure", "1"}}).insecure);
  CHECK_FALSE(read({{"insecure", "0"}}).insecure);
  CHECK(read({{"port-range", "65535:65535"}}).port_range->first == 65535);
}

TEST_CASE("options of zmq: everybody's settings come along") {
  Settings settings;
  settings.ranks = 3;
  settings.window_bytes = 4096;
  const ZmqSettings with = read_zmq_settings(settings);
  CHECK(with.ranks == 3);
  CHECK(with.window_bytes == 4096);
}

TEST_CASE("options of zmq: what cannot be meant is refused") {
  CHECK_THROWS_WITH_AS((void)read({{"lisen", "tcp://a:1"}}),
                       "zmq has no option lisen; did you mean listen?", UsageError);
  CHECK_THROWS_WITH_AS((void)read({{"address_file", "f"}}),
                       "zmq has no option address_file; did you mean address-file?", UsageError);
  CHECK_THROWS_WITH_AS((void)read({{"colour", "red"}}), "zmq has no option colour", UsageError);
  CHECK_THROWS_WITH_AS((void)read({{"rank", "0"}}),
                       doctest::Contains("--rank: '0' is not accepted: a whole number from 1"),
                       UsageError);
  CHECK_THROWS_WITH_AS((void)read({{"insecure", "yes"}}),
                       "--insecure: 'yes' is not accepted: true, false, 1 and 0 are", UsageError);
  CHECK_THROWS_WITH_AS((void)read({{"job", ""}}), doctest::Contains("--job: ''"), UsageError);
}
