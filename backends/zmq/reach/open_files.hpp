#pragma once

#include <cstddef>
#include <string>

namespace rankwire::zmq_wire {

// Connections, and much else in libzmq, are open files of this process, whose number the system
// limits. When they run out, libzmq silently lets nobody in any more, or ends the process.

/// Raises the soft limit to the hard one. A master of many workers needs more than the usual limit.
void raise_file_limit();

/// Throws TransportError if fewer than `more` files can be opened. `who` needs them: "rank 0 of a
/// world of 500".
void check_files_left(std::size_t more, const std::string& who);

/// Why no file can be opened now, and what to do. Empty if one can.
[[nodiscard]] std::string file_shortage();

}  // namespace rankwire::zmq_wire
