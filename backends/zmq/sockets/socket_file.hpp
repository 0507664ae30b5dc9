#pragma once

#include <sys/types.h>

#include <string>

#include "reach/descriptor.hpp"

namespace rankwire::zmq_wire {

/// A Unix socket that listens under a path, for its owner's processes only; the path is removed
/// with this object, unless somebody else's socket is there by then. A process that is killed
/// leaves it.
///
/// libzmq's own bind would take the path away from a master that lives, and leave the file's mode
/// to the umask.
class SocketFile {
 public:
  SocketFile() = default;  ///< none
  /// Listens under `path`, where a dead process may have left its socket. Sockets that dead workers
  /// have left beside it go as well, now and at the end. Throws UsageError that says what is there,
  /// or what the system refuses.
  [[nodiscard]] static SocketFile of_master(const std::string& path, int backlog);
  /// Listens beside the socket of the master, under a name nobody else has.
  [[nodiscard]] static SocketFile of_worker(const std::string& master_path, int backlog);
  ~SocketFile() { remove(); }
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) noexcept;
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  /// Somebody else closes the socket; the path stays with this object.
  void disown_descriptor() { (void)socket_.release(); }

 private:
  SocketFile(std::string path, Descriptor socket);
  void remove() noexcept;

  std::string path_;  // empty: none
  Descriptor socket_{-1};
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool of_master_ = false;
};

}  // namespace rankwire::zmq_wire
