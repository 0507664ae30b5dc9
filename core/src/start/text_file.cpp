#include "rankwire/text_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "rankwire/deadline.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/printable.hpp"
#include "rankwire/units.hpp"

namespace rankwire {
namespace {

class Opened {
 public:
  /// O_NONBLOCK, so that it does not wait for the other end of a pipe: wait() does, with a limit.
  explicit Opened(const std::string& path)
      : descriptor_{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)} {}
  ~Opened() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  /// Waits for something to read. False if nothing came in time. An ordinary file is always
  /// readable.
  [[nodiscard]] bool wait(std::chrono::milliseconds patience) const {
    const Deadline deadline{patience};
    pollfd readable{descriptor_, POLLIN, 0};
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining());
      const int ready = ::poll(&readable, 1, static_cast<int>(left.count()));
      if (ready > 0 || (ready < 0 && errno != EINTR))
        return true;  // on an error, the read reports it
      if (ready == 0 && deadline.expired()) return false;
    }
  }
  [[nodiscard]] ssize_t read(char* memory, std::size_t bytes) const {
    return ::read(descriptor_, memory, bytes);
  }
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

}  // namespace

std::string read_text_file(const std::string& path, std::size_t bytes_max,
                           std::chrono::milliseconds patience) {
  const auto refuse = [&path](const std::string& why) {
    throw UsageError{fmt::format("cannot read the file '{}': {}", printable_path(path), why)};
  };
  constexpr std::size_t part_bytes = std::size_t{64} << 10;
  const Opened file{path};
  if (!file.is_open()) refuse(std::strerror(errno));
  std::string text;
  while (text.size() <= bytes_max) {
    if (!file.wait(patience)) {
      refuse(
          fmt::format("it is no ordinary file, and gave nothing for {}", duration_text(patience)));
    }
    const std::size_t filled = text.size();
    text.resize(filled + std::min(part_bytes, bytes_max + 1 - filled));
    const ssize_t count = file.read(text.data() + filled, text.size() - filled);
    text.resize(filled + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) return text;
    if (count < 0 && errno != EINTR && errno != EAGAIN) refuse(std::strerror(errno));
  }
  refuse(fmt::format("it is larger than {}", bytes_text(bytes_max)));
  return {};
}

}  // namespace rankwire
