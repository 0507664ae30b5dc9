#include "baseline.hpp"

namespace comparison {

std::unique_ptr<Baseline> open_baseline(rankwire::Channel& world) {
  const std::string transport = world.info().transport;
  if (transport == "inproc") return open_inproc_baseline(world);
#if COMPARE_WITH_MPI
  if (transport == "mpi") return open_mpi_baseline(world);
#endif
#if COMPARE_WITH_ZMQ
  if (transport == "zmq") return open_zmq_baseline(world);
#endif
  throw rankwire::UsageError{
      fmt::format("compare knows no baseline for the transport {}", transport)};
}

}  // namespace comparison
