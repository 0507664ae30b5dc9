#pragma once

namespace rankwire {

/// Tells the system's allocator (glibc's) to keep the memory of large payloads for the next ones:
/// blocks up to 32 MiB come from its heaps, of which the first keeps up to 128 MiB that is free; a
/// thread's, which have 64 MiB each, are given back one by one where nearly all before is free. By
/// itself it gives such memory back to the system each time, and every page of the next payload is
/// a fault again: payloads of 16 MiB in a row over zmq, tcp or ipc, then take 1.7 to 1.9 times as
/// long. Buffers of that size
/// have memory of their own (huge_blocks.hpp); this is for what libraries allocate, libzmq for what
/// it receives above all, and for vectors and strings of the program.
///
/// Does nothing where the user has set the allocator by MALLOC_* or GLIBC_TUNABLES. Costs nothing;
/// for the whole process: run() calls it, or a program that opens its world itself and wants it.
void keep_freed_memory();

}  // namespace rankwire
