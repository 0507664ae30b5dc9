#include "ways/baseline.hpp"

namespace comparison {
namespace {

bool is_between_hosts_or_tcp(const std::string& transport) {
  return transport == "mpi-tcp" || transport == "zmq-tcp" || transport == "zmq-ipc" ||
         transport == "mpi" || transport == "zmq";
}

std::unique_ptr<Way> open_raw([[maybe_unused]] rankwire::Channel& world, const Place& place) {
  if (place.transport == "inproc") return open_inproc_baseline(world);
#if COMPARE_WITH_MPI
  if (place.transport.starts_with("mpi")) return open_mpi_baseline(world);
#endif
#if COMPARE_WITH_ZMQ
  if (place.transport.starts_with("zmq")) return open_zmq_baseline(world, place);
#endif
  throw rankwire::UsageError{
      fmt::format("compare knows no baseline for the transport {}", place.transport)};
}

}  // namespace

Ways open_ways(rankwire::Channel& world, const Place& place) {
  Ways ways;
  const auto at = [&](WayId id) -> auto& {
    return ways[static_cast<std::size_t>(id)];
  };
  at(WayId::rankwire) = std::make_unique<WayOver<ChannelLink>>("rankwire", "rankwire", world);
  at(WayId::record) = std::make_unique<WayOver<RecordLink>>("rankwire", "rankwire", world);
  // Without keys, and open to whoever reaches it: not beside links that have them.
  if (place.encrypted) return ways;
  at(WayId::raw) = open_raw(world, place);
  if (is_between_hosts_or_tcp(place.transport)) {
    at(WayId::socket) = open_socket_baseline(world, place);
  }
#if COMPARE_WITH_BOOST_MPI
  if (place.transport.starts_with("mpi")) {
    at(WayId::boost) = open_boost_baseline(world);
    at(WayId::boost_record) = open_boost_record_baseline(world);
  }
#endif
  return ways;
}

}  // namespace comparison
