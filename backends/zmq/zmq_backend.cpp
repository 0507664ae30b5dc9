#include "channel/zmq_channel.hpp"
#include "rankwire/backend/backend.hpp"

namespace rankwire {
namespace {

std::vector<std::unique_ptr<Channel>> open_zmq(const Settings& settings) {
  std::vector<std::unique_ptr<Channel>> channels;
  channels.push_back(std::make_unique<zmq_wire::ZmqChannel>(
      settings.join.empty() ? zmq_wire::rendezvous_as_master(settings)
                            : zmq_wire::rendezvous_as_worker(settings)));
  return channels;
}

}  // namespace

extern const Backend zmq_backend;
const Backend zmq_backend{"zmq", open_zmq};

}  // namespace rankwire
