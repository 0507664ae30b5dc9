#include "zmq_open.hpp"

#include "channel/zmq_channel.hpp"

namespace rankwire::zmq_wire {

std::unique_ptr<Channel> open_zmq(const ZmqSettings& settings) {
  return std::make_unique<ZmqChannel>(settings.join.empty() ? rendezvous_as_master(settings)
                                                            : rendezvous_as_worker(settings));
}

}  // namespace rankwire::zmq_wire
