#pragma once

#include <array>
#include <memory>
#include <rankwire/rankwire.hpp>
#include <string>

#include "ways/channel_link.hpp"
#include "ways/way.hpp"

namespace comparison {

/// How long a wait for the other side of a baseline may last, where its library lets one say so.
inline constexpr std::chrono::seconds baseline_patience{10};

/// What a world is to its baselines.
struct Place {
  std::string transport;    ///< as Figure::transport has it: "zmq-ipc"
  bool one_host = true;     ///< all ranks are on one machine
  bool encrypted = false;   ///< links have keys
  std::string master_host;  ///< address or name by which rank 0 is reached from others
};

enum class WayId : std::uint8_t { rankwire, raw, socket, boost, record, boost_record };
inline constexpr std::size_t way_count = 6;

/// By WayId; those that this build or this world does not have are null.
using Ways = std::array<std::unique_ptr<Way>, way_count>;

/// All that there are for `world`. Every rank calls it, at the same point of the program.
[[nodiscard]] Ways open_ways(rankwire::Channel& world, const Place& place);

// Each opens one way between all ranks by one library, and is in a file of its own, the only ones
// here that know that library. Every rank calls it, at the same point of the program, and the
// channel is quiet meanwhile but for messages of baseline_tag.

[[nodiscard]] std::unique_ptr<Way> open_inproc_baseline(rankwire::Channel& world);
[[nodiscard]] std::unique_ptr<Way> open_mpi_baseline(rankwire::Channel& world);
[[nodiscard]] std::unique_ptr<Way> open_zmq_baseline(rankwire::Channel& world, const Place& place);

/// Between ranks 0 and 1 only; further ranks get a way that they must not use.
[[nodiscard]] std::unique_ptr<Way> open_socket_baseline(rankwire::Channel& world,
                                                        const Place& place);
/// Boost.MPI: vectors, and records that it serializes. Between ranks 0 and 1.
[[nodiscard]] std::unique_ptr<Way> open_boost_baseline(rankwire::Channel& world);
[[nodiscard]] std::unique_ptr<Way> open_boost_record_baseline(rankwire::Channel& world);

}  // namespace comparison
