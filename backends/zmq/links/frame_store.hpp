#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <vector>

namespace rankwire::zmq_wire {

/// Memory of frames, kept for the next ones: libzmq's thread and the program's give it back, the
/// program's takes it. In sizes of powers of two, up to 256 KiB; so many bytes of each are kept.
class FrameStore {
 public:
  FrameStore();
  ~FrameStore();
  FrameStore(const FrameStore&) = delete;
  FrameStore& operator=(const FrameStore&) = delete;

  /// Memory of `bytes` at least, not initialised. Throws std::bad_alloc.
  [[nodiscard]] void* take(std::size_t bytes);
  /// Ends what take(bytes) gave.
  void give_back(void* memory, std::size_t bytes) noexcept;

 private:
  static constexpr std::size_t least_bytes = 128, sizes = 12, kept_bytes_max = std::size_t{1} << 20;
  static std::size_t size_index(std::size_t bytes);

  std::mutex mutex_;
  std::array<std::vector<void*>, sizes> kept_;
};

}  // namespace rankwire::zmq_wire
