#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keys/certificate.hpp"
#include "options/zmq_settings.hpp"

namespace rankwire::zmq_wire {

/// The keys of one process (docs/security.md).
struct Keyring {
  KeyPair own;                     ///< of --key: identifies this process
  std::string master;              ///< at a worker: the master's public key
  KeyPair listener;                ///< at a worker: made at the start, known to members only
  std::vector<PublicKey> allowed;  ///< at the master: the keys that it lets in
  std::string directory;           ///< where `allowed` was read
};

/// Reads the certificates that the settings name. Nothing if they name none. Throws UsageError like
/// read_secret, read_public and read_allowed.
[[nodiscard]] std::optional<Keyring> read_keyring(const ZmqSettings& settings);

}  // namespace rankwire::zmq_wire
