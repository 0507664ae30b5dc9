#include "ways/baseline.hpp"

namespace comparison {
namespace {

bool is_between_hosts_or_tcp(const std::string& transport) {
  return transport == "mpi-tcp" || transport == "zmq-tcp" || transport == "zmq-ipc" ||
         transport == "mpi" || transport == "zmq";
}

/// A baseline. rankwire's channel stays out meanwhile (Channel::Use): its thread would call the
/// same MPI, and take time that is not the baseline's.
class Alone final : public Way {
 public:
  Alone(rankwire::Channel& world, std::unique_ptr<Way> way)
      : Way{way->kind(), way->name()}, world_{world}, way_{std::move(way)} {}

  std::vector<double> lead(const Bounce& round) override { return led(round); }
  std::vector<double> lead(const Flood& flood) override { return led(flood); }
  std::vector<double> lead(const Burst& burst) override { return led(burst); }
  std::uint64_t follow(const Bounce& round) override { return followed(round); }
  std::uint64_t follow(const Flood& flood) override { return followed(flood); }
  std::uint64_t follow(const Burst& burst) override { return followed(burst); }

 private:
  template <class What>
  std::vector<double> led(const What& what) {
    const rankwire::Channel::Use use{world_};
    return way_->lead(what);
  }
  template <class What>
  std::uint64_t followed(const What& what) {
    const rankwire::Channel::Use use{world_};
    return way_->follow(what);
  }

  rankwire::Channel& world_;
  std::unique_ptr<Way> way_;
};

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
  at(WayId::raw) = std::make_unique<Alone>(world, open_raw(world, place));
  if (is_between_hosts_or_tcp(place.transport)) {
    at(WayId::socket) = std::make_unique<Alone>(world, open_socket_baseline(world, place));
  }
#if COMPARE_WITH_BOOST_MPI
  if (place.transport.starts_with("mpi")) {
    at(WayId::boost) = std::make_unique<Alone>(world, open_boost_baseline(world));
    at(WayId::boost_record) = std::make_unique<Alone>(world, open_boost_record_baseline(world));
  }
#endif
  return ways;
}

}  // namespace comparison
