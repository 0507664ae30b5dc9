#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "reach/descriptor.hpp"

namespace rankwire::zmq_wire {

/// Reports which of many descriptors can be read (epoll). A wait costs what is reported, not what
/// is watched: a rank that is connected to 500 others has 2,000 descriptors, and wakes often.
class Readiness {
 public:
  /// A descriptor is watched while its entry lives. The descriptor and the Readiness live longer.
  class Entry {
   public:
    Entry(Entry&& other) noexcept
        : set_{other.set_}, descriptor_{std::exchange(other.descriptor_, -1)} {}
    Entry& operator=(Entry&&) = delete;
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry();

   private:
    friend class Readiness;
    Entry(Readiness& set, int descriptor) : set_{&set}, descriptor_{descriptor} {}
    Readiness* set_;
    int descriptor_;
  };

  struct Reports {
    std::span<const epoll_event> of;  ///< `data.u64` is the name; valid until the next wait()
    bool interrupted = false;         ///< a signal has ended the wait

    [[nodiscard]] bool any() const { return !of.empty(); }
  };

  /// Throws TransportError, as watch() does, if the system has no more descriptors or memory.
  Readiness();
  /// Watches a descriptor. wait() reports it by `name`, as often as it finds that it can be read.
  [[nodiscard]] Entry watch(int descriptor, std::uint64_t name);
  /// Can be read itself while one of them can be.
  [[nodiscard]] int file() const { return epoll_.get(); }
  /// Waits until something can be read, at most `limit`. Reports all that can.
  [[nodiscard]] Reports wait(std::chrono::milliseconds limit);

 private:
  Descriptor epoll_;
  std::size_t watched_ = 0;
  std::vector<epoll_event> reports_ =
      std::vector<epoll_event>(1);  // with room for all that are watched, and at least one
};

}  // namespace rankwire::zmq_wire
