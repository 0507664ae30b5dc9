#pragma once

#include <mpi.h>

#include <cstddef>
#include <span>
#include <vector>

#include "parcel.hpp"
#include "requests.hpp"

namespace rankwire::mpi {

class Bells;

/// A channel's own communicators.
struct Comms {
  MPI_Comm slots = MPI_COMM_NULL;  ///< Carrier::Road::slots and slots_taken
  MPI_Comm bulk = MPI_COMM_NULL;   ///< Carrier::Road::bulk
};

/// Sends by MPI, and wakes receivers that sleep.
class MpiCarrier final : public Carrier {
 public:
  MpiCarrier(const Comms& comms, Bells& bells) : comms_{comms}, bells_{bells} {}

  [[nodiscard]] bool begin(Road road, int tag, std::span<const std::byte> bytes,
                           Parcels::iterator parcel) override;
  void complete(std::vector<Parcels::iterator>& done) override;
  [[nodiscard]] std::size_t under_way() const override { return requests_.items().size(); }

 private:
  Comms comms_;
  Bells& bells_;
  Requests<Parcels::iterator> requests_;
};

}  // namespace rankwire::mpi
