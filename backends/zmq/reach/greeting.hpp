#pragma once

#include <string>

#include "rankwire/deadline.hpp"

namespace rankwire::zmq_wire {

/// Asks a port which security mechanism it wants: the name in its ZMTP greeting, "NULL" or "CURVE";
/// empty when what listens there is no ZeroMQ of version 3, or says nothing until the deadline.
///
/// libzmq tells a client no reason why a handshake failed: with another mechanism than the server's
/// it may only see the connection close, just as with a wrong server key. After such a failure this
/// tells them apart. `own` is what this side wants. Where the port wants another mechanism, it is
/// told so and this waits until it hangs up: its monitor then says MECHANISM_MISMATCH, which
/// otherwise only one of the two sides is sure to hear.
///
/// `endpoint` is numeric, "tcp://1.2.3.4:5". Throws UsageError for anything else.
[[nodiscard]] std::string mechanism_at(const std::string& endpoint, const std::string& own,
                                       Deadline deadline);

}  // namespace rankwire::zmq_wire
