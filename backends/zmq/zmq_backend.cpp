#include "rankwire/backend/backend.hpp"
#include "rankwire/errors.hpp"
#include "zmq_channel.hpp"

namespace rankwire {
namespace {

std::vector<std::unique_ptr<Channel>> open_zmq(const Settings& settings) {
  if (!settings.key.empty()) {
    // A port must not be opened to other hosts for the sake of keys that no socket uses yet.
    throw UsageError{"--key: the links of this version have no keys yet; leave it out"};
  }
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
