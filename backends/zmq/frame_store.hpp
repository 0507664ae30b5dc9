#pragma once

#include <array>
#include <cstddef>
#include <mutex>

namespace rankwire::zmq_wire {

/// Memory of frames, kept for the next ones: libzmq's thread and the program's give it back, the
/// program's takes it. In sizes of powers of two, up to 64 KiB; some of each are kept.
class FrameStore {
 public:
  FrameStore() = default;
  ~FrameStore();
  FrameStore(const FrameStore&) = delete;
  FrameStore& operator=(const FrameStore&) = delete;

  /// Memory of `bytes` at least, not initialised. Throws std::bad_alloc.
  [[nodiscard]] void* take(std::size_t bytes);
  /// Ends what take(bytes) gave.
  void give_back(void* memory, std::size_t bytes) noexcept;

 private:
  static constexpr std::size_t least_bytes = 128, sizes = 10, kept_max = 16;
  struct Kept {
    std::array<void*, kept_max> blocks{};
    std::size_t count = 0;
  };
  static std::size_t size_index(std::size_t bytes);

  std::mutex mutex_;
  std::array<Kept, sizes> kept_;
};

}  // namespace rankwire::zmq_wire
