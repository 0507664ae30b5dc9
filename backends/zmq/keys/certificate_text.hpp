#pragma once

#include <string>
#include <string_view>

#include "keys/certificate.hpp"

namespace rankwire::zmq_wire {

/// The text of a certificate file, in ZPL with a section `curve` for the keys. CZMQ and pyzmq write
/// and read this. Without a secret key in `pair`, it is a public certificate.
[[nodiscard]] std::string certificate_text(const std::string& name, const KeyPair& pair);

/// Reads such a text, whoever wrote it. The secret key is empty if there is none. Throws UsageError
/// with `file`, the line and what is wrong. No key is in the message.
[[nodiscard]] KeyPair parse_certificate(std::string_view text, const std::string& file);

}  // namespace rankwire::zmq_wire
