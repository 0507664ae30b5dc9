#pragma once

#include <cstdint>
#include <rankwire/channel.hpp>

namespace comparison {

/// What a process has spent since some moment; a thread of it, where ranks are threads, has spent
/// that of all.
struct Resources {
  double cpu_seconds = 0;
  std::uint64_t allocations = 0;
  std::uint64_t bytes_copied = 0;  ///< by this rank's channel: Info::bytes_copied
  std::uint64_t messages = 0;      ///< that this rank sent

  template <class Archive>
  void serialize(Archive& archive) {
    archive(cpu_seconds, allocations, bytes_copied, messages);
  }
};

[[nodiscard]] Resources resources_so_far(const rankwire::Channel& world);
[[nodiscard]] Resources operator-(const Resources& after, const Resources& before);

}  // namespace comparison
