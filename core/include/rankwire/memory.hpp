#pragma once

namespace rankwire {

/// Makes the system's allocator (glibc's) keep the memory of large payloads for the next ones.
/// Blocks of up to 32 MiB then come from its heaps. The first heap keeps up to 128 MiB that are
/// free. Heaps of other threads have 64 MiB each; one that is free is given back if nearly all of
/// the one before is free. Without this, glibc gives such memory back to the system each time, and
/// each page of the next payload is a page fault again: payloads of 16 MiB in a row over zmq, tcp
/// or ipc, then take 1.7 to 1.9 times as long.
///
/// Large Buffers have memory of their own (huge_blocks.hpp). This is for what libraries allocate,
/// above all libzmq for what it receives, and for vectors and strings of the program.
///
/// Does nothing if the user has set up the allocator by MALLOC_* or GLIBC_TUNABLES. Costs nothing.
/// It changes the whole process: run() calls it; a program that opens its world itself may.
void keep_freed_memory();

}  // namespace rankwire
