#include <boost/mpi/communicator.hpp>
#include <boost/serialization/vector.hpp>

#include "ways/baseline.hpp"

namespace comparison {
namespace {

constexpr int tag = 1;

/// Of its own, as a communicator of Boost.MPI; left to MPI_Finalize.
boost::mpi::communicator open_communicator() {
  return {MPI_COMM_WORLD, boost::mpi::comm_duplicate};
}

/// Sends and receives of vectors, whose receiver does not know the size either.
class BoostLink {
 public:
  void make(std::size_t bytes) { payload_.resize(bytes); }
  [[nodiscard]] std::span<std::byte> payload() {
    return std::as_writable_bytes(std::span{payload_});
  }
  void send(int to) { world_.send(to, tag, payload_); }
  int receive(int from) {
    world_.recv(from, tag, payload_);
    return from;
  }
  void expect(std::size_t, int, int) {}
  void burst(int) {}
  void flush() {}

 private:
  boost::mpi::communicator world_ = open_communicator();
  std::vector<unsigned char> payload_;
};

/// A record as Boost's archives take it: one member after the other.
struct BoostRecord : Record {
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& rank& values& negative& product;
  }
};

class BoostRecordLink {
 public:
  void make(std::size_t) { record_ = BoostRecord{}; }
  [[nodiscard]] std::span<std::byte> payload() {
    return std::as_writable_bytes(std::span{record_.values});
  }
  void send(int to) { world_.send(to, tag, record_); }
  int receive(int from) {
    world_.recv(from, tag, record_);
    return from;
  }
  void expect(std::size_t, int, int) {}
  void burst(int) {}
  void flush() {}

 private:
  boost::mpi::communicator world_ = open_communicator();
  BoostRecord record_;
};

}  // namespace

std::unique_ptr<Way> open_boost_baseline(rankwire::Channel& world) {
  const rankwire::Channel::Use use{world};
  return std::make_unique<WayOver<BoostLink>>("boost", "Boost.MPI, send and recv of a vector");
}

std::unique_ptr<Way> open_boost_record_baseline(rankwire::Channel& world) {
  const rankwire::Channel::Use use{world};
  return std::make_unique<WayOver<BoostRecordLink>>("boost", "Boost.MPI, a serialized record");
}

}  // namespace comparison
