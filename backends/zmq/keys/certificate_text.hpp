#pragma once

#include <string>
#include <string_view>

#include "keys/certificate.hpp"

namespace rankwire::zmq_wire {

/// The text of a certificate file: ZPL, a section `curve` with the keys, as CZMQ and pyzmq write
/// and read it. Without a secret key in `pair` it is a public certificate.
[[nodiscard]] std::string certificate_text(const std::string& name, const KeyPair& pair);

/// Reads that text, whoever wrote it; the secret key is empty when there is none. Throws UsageError
/// with `file`, the line, and what is wrong; no key is in the message.
[[nodiscard]] KeyPair parse_certificate(std::string_view text, const std::string& file);

}  // namespace rankwire::zmq_wire
