#pragma once

#include <string>
#include <string_view>

namespace launcher {

/// One of this process's streams, as all ranks write to it. Its reader may be slow, and must not
/// keep this program from hearing signals: only what the stream takes at once is written, and no
/// more is read from the ranks while much is pending.
class Outlet {
 public:
  static constexpr std::size_t pending_bytes_max = std::size_t{64} << 10;

  /// `name`: what messages call it.
  Outlet(int target, const char* name) : target_{target}, name_{name} {}

  /// Forgotten when the stream has failed.
  void add(std::string_view text);
  /// Writes what the stream takes at once, some of it when that is much.
  void write_some();

  [[nodiscard]] int target() const { return target_; }
  [[nodiscard]] bool is_pending() const { return !pending_.empty(); }
  /// Nothing more should be added now.
  [[nodiscard]] bool is_full() const { return pending_.size() >= pending_bytes_max; }
  [[nodiscard]] bool has_failed() const { return !failure_.empty(); }
  /// "cannot write to stdout: No space left on device"; empty when all was taken so far.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  /// Forgets what is pending, and takes nothing more.
  void give_up(std::string_view why);

 private:
  [[nodiscard]] bool takes_more() const;

  int target_;
  const char* name_;
  std::string pending_;
  std::string failure_;
};

}  // namespace launcher
