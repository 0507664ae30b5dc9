#pragma once

#include <memory>
#include <string>
#include <utility>

#include "rankwire/backend/backend.hpp"

namespace rankwire {
extern const Backend zmq_backend;
}

namespace conformance {

/// Opens one rank of a ZeroMQ world of `ranks` whose master listens at `endpoint`.
inline std::unique_ptr<rankwire::Channel> open_zmq_rank(rankwire::Settings with,
                                                        const std::string& endpoint, int rank,
                                                        int ranks) {
  if (rank == 0) {
    with.ranks = ranks;
    with.options["listen"] = endpoint;
  } else {
    with.options["join"] = endpoint;
    with.options["rank"] = std::to_string(rank);
  }
  return std::move(rankwire::zmq_backend.open(with).front());
}

}  // namespace conformance
