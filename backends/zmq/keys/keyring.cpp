#include "keys/keyring.hpp"

namespace rankwire::zmq_wire {

std::optional<Keyring> read_keyring(const ZmqSettings& settings) {
  if (settings.key.empty()) return std::nullopt;
  Keyring keys;
  keys.own = read_secret(settings.key);
  if (settings.join.empty()) {
    keys.directory = settings.allow;
    keys.allowed = read_allowed(settings.allow);
  } else {
    keys.master = read_public(settings.server_key).key;
    keys.listener = make_key_pair();
  }
  return keys;
}

}  // namespace rankwire::zmq_wire
