#pragma once

#include <string>

namespace launcher {

/// A new folder for the sockets of one world, which no other user may enter. It is made in TMPDIR,
/// else in XDG_RUNTIME_DIR, if they exist and their paths are short enough, else in /tmp. It is
/// removed at the end with everything in it. A launcher that is killed leaves its folder behind;
/// the next launcher removes it. A launcher that lives holds a lock in its folder.
class PrivateFolder {
 public:
  /// Throws rankwire::TransportError if no folder can be made.
  PrivateFolder();
  ~PrivateFolder();
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  int lock_ = -1;  // a locked file in the folder
};

}  // namespace launcher
