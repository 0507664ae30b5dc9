#pragma once

#include <sys/types.h>

#include <string>

#include "reach/descriptor.hpp"

namespace rankwire::zmq_wire {

/// A Unix socket that listens at a path. Only processes of its owner can connect. This object
/// removes the path when it ends, unless another socket is there by then. A process that is killed
/// leaves it behind.
///
/// libzmq's own bind would take the path away from a master that lives, and leave the file's mode
/// to the umask.
class SocketFile {
 public:
  SocketFile() = default;  ///< listens nowhere
  /// Listens at `path`. Replaces a socket that a dead process has left there. Removes sockets that
  /// dead workers have left beside it, now and at the end. Throws UsageError, which says what is
  /// there or what the system refuses.
  [[nodiscard]] static SocketFile of_master(const std::string& path, int backlog);
  /// Listens beside the socket of the master, at a path of its own.
  [[nodiscard]] static SocketFile of_worker(const std::string& master_path, int backlog);
  ~SocketFile() { remove(); }
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) noexcept;
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  /// Gives up the descriptor, which the caller closes. This object still removes the path.
  void disown_descriptor() { (void)socket_.release(); }

 private:
  SocketFile(std::string path, Descriptor socket);
  void remove() noexcept;

  std::string path_;  // empty: listens nowhere
  Descriptor socket_{-1};
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool of_master_ = false;
};

}  // namespace rankwire::zmq_wire
