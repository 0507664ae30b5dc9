#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <string>

#include "../conformance/free_port.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/typed.hpp"
#include "zmq_open.hpp"

// Ranks of a ZeroMQ world inside a test: each opens on a thread of its own.

namespace zmq_world {

using namespace std::chrono_literals;
using rankwire::zmq_wire::ZmqSettings;
using Opened = std::unique_ptr<rankwire::Channel>;

inline constexpr auto patience = 30s;

inline ZmqSettings settings() {
  rankwire::log().set_level(spdlog::level::off);
  ZmqSettings with;
  with.join_timeout = patience;
  return with;
}

inline std::future<Opened> open(const ZmqSettings& with) {
  return std::async(std::launch::async, [with] { return rankwire::zmq_wire::open_zmq(with); });
}

inline std::future<Opened> master(const std::string& endpoint, int ranks,
                                  ZmqSettings with = settings()) {
  with.listen = endpoint;
  with.ranks = ranks;
  return open(with);
}

inline std::future<Opened> worker(const std::string& endpoint, std::optional<int> rank = {},
                                  ZmqSettings with = settings()) {
  with.join = endpoint;
  with.rank = rank;
  return open(with);
}

/// What the future's exception of type E says; empty when it threw none of that type.
template <class E>
std::string refusal(std::future<Opened>& opening) {
  try {
    (void)opening.get();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string{"another exception: "} + error.what();
  }
  return {};
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace zmq_world
