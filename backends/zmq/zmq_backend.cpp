#include "options/zmq_settings.hpp"
#include "rankwire/backend/backend.hpp"
#include "zmq_open.hpp"

namespace rankwire {
namespace {

#if RANKWIRE_WITH_ZMQ
std::vector<std::unique_ptr<Channel>> open_world(const Settings& settings) {
  std::vector<std::unique_ptr<Channel>> channels;
  channels.push_back(zmq_wire::open_zmq(zmq_wire::read_zmq_settings(settings)));
  return channels;
}
#else
constexpr auto open_world = nullptr;
#endif

std::string not_built(const Said& /*said*/) {
  return "this program was built without ZeroMQ: use another --transport, or configure it with "
         "-DRANKWIRE_WITH_ZMQ=ON";
}

}  // namespace

extern const Backend zmq_backend;
const Backend zmq_backend{.name = "zmq",
                          .open = open_world,
                          .options = zmq_wire::zmq_options,
                          .is_meant = zmq_wire::is_zmq_meant,
                          .meant_when = "with --listen or\n--join",
                          .check = zmq_wire::check_zmq_options,
                          .not_built = not_built};

}  // namespace rankwire
