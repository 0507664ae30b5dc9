#pragma once

#include <string>

namespace rankwire {

/// The two files of a CURVE key pair, in the certificate format that CZMQ and pyzmq read.
struct KeyFiles {
  std::string public_file;  ///< DIRECTORY/NAME.key: for everyone who is to know the owner
  std::string secret_file;  ///< DIRECTORY/NAME.key_secret, mode 0600: for the owner's eyes only
};

/// Makes a new key pair and its files, as `rankwire keygen` does. `name` is 1 to 64 letters,
/// digits,
/// '.', '_' and '-', the first a letter or a digit. A missing directory is made, for its owner
/// only. Existing files are never overwritten. Throws UsageError, which names the file and what to
/// do; also when the ZeroMQ backend, which this is part of, was not built or libzmq has no CURVE.
KeyFiles create_keys(const std::string& directory, const std::string& name);

}  // namespace rankwire
