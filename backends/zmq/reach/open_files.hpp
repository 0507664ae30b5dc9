#pragma once

#include <cstddef>
#include <string>

namespace rankwire::zmq_wire {

// Connections, and much of libzmq, are open files of this process, of which the system allows so
// many. Where they run out, libzmq lets nobody in any more, without a word, or ends the process.

/// Raises the soft limit to the hard one: a master of many workers needs more than the usual one.
void raise_file_limit();

/// Throws TransportError when fewer than `more` files can be opened; `who` needs them: "rank 0 of a
/// world of 500".
void check_files_left(std::size_t more, const std::string& who);

/// Why no file can be opened just now, and what to do; empty when one can.
[[nodiscard]] std::string file_shortage();

}  // namespace rankwire::zmq_wire
