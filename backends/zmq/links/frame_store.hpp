#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <vector>

namespace rankwire::zmq_wire {

/// Keeps memory of frames for the next ones. libzmq's thread and the program's give memory back;
/// the program's takes it. Sizes are powers of two up to 256 KiB. Of each size a bounded number of
/// bytes is kept.
class FrameStore {
 public:
  FrameStore();
  ~FrameStore();
  FrameStore(const FrameStore&) = delete;
  FrameStore& operator=(const FrameStore&) = delete;

  /// Returns at least `bytes` of memory, not initialised. Throws std::bad_alloc.
  [[nodiscard]] void* take(std::size_t bytes);
  /// Gives back memory of take(bytes).
  void give_back(void* memory, std::size_t bytes) noexcept;

 private:
  static constexpr std::size_t least_bytes = 128, sizes = 12, kept_bytes_max = std::size_t{1} << 20;
  static std::size_t size_index(std::size_t bytes);

  std::mutex mutex_;
  std::array<std::vector<void*>, sizes> kept_;
};

}  // namespace rankwire::zmq_wire
