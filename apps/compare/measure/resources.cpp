#include "measure/resources.hpp"

#include "measure/allocations.hpp"
#include "measure/cpu.hpp"

namespace comparison {

Resources resources_so_far(const rankwire::Channel& world) {
  // What info() allocates is counted in none.
  const std::uint64_t copied = world.info().bytes_copied;
  return {.cpu_seconds = cpu_seconds(),
          .allocations = allocations_so_far(),
          .bytes_copied = copied,
          .messages = 0};
}

Resources operator-(const Resources& after, const Resources& before) {
  return {.cpu_seconds = after.cpu_seconds - before.cpu_seconds,
          .allocations = after.allocations - before.allocations,
          .bytes_copied = after.bytes_copied - before.bytes_copied,
          .messages = after.messages - before.messages};
}

}  // namespace comparison
