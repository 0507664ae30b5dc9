#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace support {

/// Bounds every wait that is expected to end well; generous, for slow machines.
inline constexpr std::chrono::seconds patience{60};

struct Command {
  std::vector<std::string> arguments;                ///< the program, a path, is first
  std::map<std::string, std::string> environment{};  ///< set on top of what the tests run in
  std::string stdout_to{};                           ///< a file instead of the pipe
};

struct Result {
  int code = 0;  ///< 128 + N when signal N killed it
  std::string out, err;
};

/// A process that a test has started: always ended and reaped, at the latest by the destructor. It
/// starts with every signal as usual and without variables of rankwire or of an MPI launcher. What
/// it writes is kept up to `output_bytes_max` and thrown away from there.
class Process {
 public:
  static constexpr std::size_t output_bytes_max = std::size_t{16} << 20;

  explicit Process(const Command& command);
  ~Process();
  Process(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  Process& operator=(Process&&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void send_signal(int number) const;
  /// Waits for its end. Throws std::runtime_error with all output when it has not come in time.
  Result wait(std::chrono::milliseconds timeout = patience);
  /// Waits until it has written `text` to stdout or stderr; throws when it ends or is late.
  void wait_for_text(const std::string& text, std::chrono::milliseconds timeout = patience);
  [[nodiscard]] const Result& so_far() const { return result_; }

 private:
  void take_output(std::chrono::milliseconds wait);
  bool ended();
  [[noreturn]] void fail(const std::string& why);

  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;
  bool running_ = true;
  std::string name_;
  Result result_;
};

/// Starts `command`, waits for its end.
Result run(const Command& command, std::chrono::milliseconds timeout = patience);

}  // namespace support
