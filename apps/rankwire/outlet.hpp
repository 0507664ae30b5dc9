#pragma once

#include <string>
#include <string_view>

namespace launcher {

/// One of this process's output streams, to which the output of all ranks goes. A slow reader must
/// not keep this program from hearing signals. So it writes only what the stream takes at once, and
/// reads no more from the ranks while much is pending.
class Outlet {
 public:
  static constexpr std::size_t pending_bytes_max = std::size_t{64} << 10;

  /// `name` is the stream's name in messages.
  Outlet(int target, const char* name) : target_{target}, name_{name} {}

  /// Adds text. Dropped if the stream has failed.
  void add(std::string_view text);
  /// Writes what the stream takes at once. If much is pending, only some of it.
  void write_some();

  [[nodiscard]] int target() const { return target_; }
  [[nodiscard]] bool is_pending() const { return !pending_.empty(); }
  /// Whether nothing more should be added now.
  [[nodiscard]] bool is_full() const { return pending_.size() >= pending_bytes_max; }
  [[nodiscard]] bool has_failed() const { return !failure_.empty(); }
  /// Why output was lost: "cannot write to stdout: No space left on device". Empty if none was.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  /// Drops what is pending, and takes nothing more.
  void give_up(std::string_view why);

 private:
  [[nodiscard]] bool takes_more() const;

  int target_;
  const char* name_;
  std::string pending_;
  std::string failure_;
};

}  // namespace launcher
