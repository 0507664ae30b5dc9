#include "carrier.hpp"

#include <fmt/format.h>

#include "bells.hpp"
#include "error.hpp"
#include "extent.hpp"

namespace rankwire::mpi {

bool MpiCarrier::begin(Road road, int tag, std::span<const std::byte> bytes,
                       Parcels::iterator parcel) {
  const int dest = parcel->dest;
  const Extent extent{bytes.size()};
  MPI_Request request = MPI_REQUEST_NULL;
  const auto send = road == Road::slots_taken ? MPI_Issend : MPI_Isend;
  int code = send(bytes.data(), extent.count, extent.type, dest, tag,
                  road == Road::bulk ? comms_.bulk : comms_.slots, &request);
  int done = 0;
  if (code == MPI_SUCCESS) code = MPI_Test(&request, &done, MPI_STATUS_IGNORE);
  if (code != MPI_SUCCESS) [[unlikely]] {
    fail(code, fmt::format("MPI_Isend of {} bytes to rank {} (tag {})", bytes.size(), dest, tag));
  }
  bells_.ring(dest);
  if (done == 0) requests_.add(request, parcel);
  return done != 0;
}

void MpiCarrier::complete(std::vector<Parcels::iterator>& done) {
  requests_.complete([&](Parcels::iterator parcel) {
    // The last of it may have become visible over there only now.
    bells_.ring(parcel->dest);
    done.push_back(parcel);
  });
}

}  // namespace rankwire::mpi
