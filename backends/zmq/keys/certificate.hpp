#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "rankwire/keys.hpp"

namespace rankwire::zmq_wire {

/// A CURVE key as text of this many characters of Z85; as bytes it has 32.
inline constexpr std::size_t key_characters = 40;
inline constexpr std::size_t key_bytes = 32;

inline constexpr std::size_t certificate_bytes_max = std::size_t{64} << 10;
inline constexpr std::size_t allowed_keys_max = 10'000;

/// Both keys as Z85 text. Whoever has the secret key is its owner: it goes into no message and no
/// log.
struct KeyPair {
  std::string public_key, secret_key;
};

/// A public key as Z85 text, and the file it was read from, for messages.
struct PublicKey {
  std::string key, file;
};

/// A new pair; costs about 0.1 ms. Throws UsageError where libzmq was built without CURVE.
[[nodiscard]] KeyPair make_key_pair();

/// Whether this is a public key as Z85 text.
[[nodiscard]] bool is_public_key(const std::string& text);

/// Z85 text of 32 bytes.
[[nodiscard]] std::string z85_text(const std::byte* bytes);

/// Writes DIRECTORY/NAME.key and NAME.key_secret; see create_keys, which this is the second half
/// of. At no moment can others read the secret file. When one of the files cannot be made, none is.
KeyFiles write_certificate(const std::string& directory, const std::string& name,
                           const KeyPair& pair);

/// Reads a secret certificate, NAME.key_secret. Throws UsageError, which names the file and what to
/// do, when it is missing, damaged (with its line), larger than certificate_bytes_max, a public
/// certificate, or when others than its owner may read it.
[[nodiscard]] KeyPair read_secret(const std::string& file);

/// Reads a public certificate, NAME.key. Throws as read_secret does; a secret certificate is
/// refused, too: it has no place where a public one is asked for.
[[nodiscard]] PublicKey read_public(const std::string& file);

/// Every *.key of a directory, in the order of their names. Throws as read_public does, and for a
/// directory without any or with more than `keys_max`. Secret certificates are left alone, with a
/// warning.
[[nodiscard]] std::vector<PublicKey> read_allowed(const std::string& directory,
                                                  std::size_t keys_max = allowed_keys_max);

}  // namespace rankwire::zmq_wire
