#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keys/certificate.hpp"
#include "options/zmq_settings.hpp"

namespace rankwire::zmq_wire {

/// The keys of one process (docs/security.md).
struct Keyring {
  KeyPair own;                     ///< of --key: says who this process is
  std::string master;              ///< at a worker: the master's public key
  KeyPair listener;                ///< at a worker: made anew, known to members of the world only
  std::vector<PublicKey> allowed;  ///< at the master
  std::string directory;           ///< where `allowed` was read
};

/// Reads what the settings name; nothing where they name no key. Throws UsageError as read_secret,
/// read_public and read_allowed do.
[[nodiscard]] std::optional<Keyring> read_keyring(const ZmqSettings& settings);

}  // namespace rankwire::zmq_wire
