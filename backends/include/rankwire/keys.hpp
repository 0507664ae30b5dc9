#pragma once

#include <string>

namespace rankwire {

/// The two files of a CURVE key pair, in the certificate format that CZMQ and pyzmq read.
struct KeyFiles {
  std::string public_file;  ///< DIRECTORY/NAME.key: for everyone who deals with the owner
  std::string secret_file;  ///< DIRECTORY/NAME.key_secret, mode 0600: for the owner only
};

/// Makes a new key pair and its files, as `rankwire keygen` does. `name` has 1 to 64 characters:
/// letters, digits, '.', '_' and '-'; the first is a letter or a digit. Makes a missing directory,
/// for its owner only. Never overwrites a file. Throws UsageError, which names the file and what to
/// do. It also throws if the ZeroMQ backend was not built, which this is a part of, or if libzmq
/// has no CURVE.
KeyFiles create_keys(const std::string& directory, const std::string& name);

}  // namespace rankwire
