#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "rankwire/keys.hpp"

namespace rankwire::zmq_wire {

/// A CURVE key has this many characters of Z85 as text, and this many bytes.
inline constexpr std::size_t key_characters = 40;
inline constexpr std::size_t key_bytes = 32;

inline constexpr std::size_t certificate_bytes_max = std::size_t{64} << 10;
inline constexpr std::size_t allowed_keys_max = 10'000;

/// Both keys of a pair as Z85 text. Whoever knows the secret key can act as its owner: it must not
/// go into any message or log.
struct KeyPair {
  std::string public_key, secret_key;
};

/// A public key as Z85 text, and the file from which it was read, for messages.
struct PublicKey {
  std::string key, file;
};

/// Makes a new pair. Costs about 0.1 ms. Throws UsageError if libzmq was built without CURVE.
[[nodiscard]] KeyPair make_key_pair();

/// Whether `text` is a public key as Z85 text.
[[nodiscard]] bool is_public_key(const std::string& text);

/// The Z85 text of 32 bytes.
[[nodiscard]] std::string z85_text(const std::byte* bytes);

/// Writes DIRECTORY/NAME.key and NAME.key_secret, as the second half of create_keys. Others can
/// never read the secret file, not even for a moment. If one of the files cannot be made, neither
/// is.
KeyFiles write_certificate(const std::string& directory, const std::string& name,
                           const KeyPair& pair);

/// Reads a secret certificate, NAME.key_secret. Throws UsageError, which names the file and what to
/// do: if it is missing, damaged (with the line), larger than certificate_bytes_max or a public
/// certificate, or if others than its owner may read it.
[[nodiscard]] KeyPair read_secret(const std::string& file);

/// Reads a public certificate, NAME.key. Throws like read_secret. Refuses a secret certificate,
/// which has no place where a public one is expected.
[[nodiscard]] PublicKey read_public(const std::string& file);

/// Reads every *.key in a directory, in the order of their names. Throws like read_public, and if
/// there is none or there are more than `keys_max`. Skips secret certificates, with a warning.
[[nodiscard]] std::vector<PublicKey> read_allowed(const std::string& directory,
                                                  std::size_t keys_max = allowed_keys_max);

}  // namespace rankwire::zmq_wire
