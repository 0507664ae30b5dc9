#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <exception>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

#include "crowd/players.hpp"
#include "rankwire/deadline.hpp"
#include "rankwire/errors.hpp"
#include "reach/endpoint.hpp"
#include "reach/open_files.hpp"

// crowd_players FILE COUNT: plays COUNT workers against the master that writes that address file,
// on this host (`compare crowd`). Ends with 0 when all of them ended in order.

namespace {

int number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : 0;
}

/// The port in the file, once the master has written it.
std::uint16_t port_in(const std::string& path) {
  using namespace std::chrono_literals;
  for (const rankwire::Deadline end = 30s; !end.expired(); std::this_thread::sleep_for(10ms)) {
    std::string endpoint;
    if (std::getline(std::ifstream{path}, endpoint)) {
      return rankwire::parse_endpoint(endpoint).port;
    }
  }
  throw rankwire::Timeout{"the master did not write the address file " + path};
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc == 3 ? number(argv[2]) : 0;
  if (count < 1) {
    fmt::print(stderr, "usage: crowd_players FILE COUNT\n");
    return 2;
  }
  try {
    rankwire::zmq_wire::raise_file_limit();
    comparison::Players players{port_in(argv[1]), count};
    players.play(std::chrono::seconds{60});
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "crowd_players: {}\n", error.what());
    return 1;
  }
}
