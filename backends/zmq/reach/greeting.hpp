#pragma once

#include <string>

#include "rankwire/deadline.hpp"

namespace rankwire::zmq_wire {

/// Asks the process at a port which security mechanism it wants. Returns the name in its ZMTP
/// greeting, "NULL" or "CURVE". Empty if that is no ZeroMQ of version 3, or it says nothing before
/// the deadline.
///
/// libzmq does not tell a client why a handshake failed. If the server wants another mechanism, the
/// client may only see the connection close, just as with a wrong server key. This function tells
/// the two apart afterwards. `own` is what this side wants. If the port wants another mechanism,
/// this tells it so and waits until it hangs up. So the server's monitor is sure to report
/// MECHANISM_MISMATCH; in a handshake, only one of the two sides is sure to hear of it.
///
/// `endpoint` is numeric, "tcp://1.2.3.4:5". Throws UsageError for anything else.
[[nodiscard]] std::string mechanism_at(const std::string& endpoint, const std::string& own,
                                       Deadline deadline);

}  // namespace rankwire::zmq_wire
