#pragma once

#include <string>

namespace launcher {

/// A new folder that no other user may enter, for the sockets of one world: in XDG_RUNTIME_DIR
/// where that will do, else in /tmp. Removed at the end with all that is in it.
class PrivateFolder {
 public:
  /// Throws rankwire::TransportError when neither takes a new folder.
  PrivateFolder();
  ~PrivateFolder();
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace launcher
