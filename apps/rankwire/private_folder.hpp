#pragma once

#include <string>

namespace launcher {

/// A new folder that no other user may enter, for the sockets of one world: in TMPDIR, else in
/// XDG_RUNTIME_DIR, where they are there and their paths short enough, else in /tmp. Removed at the
/// end with all that is in it. A killed launcher leaves its folder, and the next removes it: who
/// lives holds a lock in it.
class PrivateFolder {
 public:
  /// Throws rankwire::TransportError when none takes a new folder.
  PrivateFolder();
  ~PrivateFolder();
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  int lock_ = -1;  // of a file in it
};

}  // namespace launcher
