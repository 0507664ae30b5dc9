#include "sockets/socket_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <random>
#include <thread>
#include <utility>

#include "rankwire/deadline.hpp"
#include "rankwire/errors.hpp"
#include "reach/address.hpp"

namespace rankwire::zmq_wire {
namespace {

constexpr mode_t owner_only = 0600;
constexpr std::string_view worker_mark = ".w";
constexpr std::size_t worker_digits = ipc_suffix_bytes - worker_mark.size();

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw UsageError{fmt::format("cannot listen on ipc://{}: {}", path, why)};
}

/// Advice for when the system does not let this process have a socket there.
std::string advice_on(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "; make the folder first";
    case EACCES:
    case EPERM:
    case EROFS:
      return "; choose a folder that you may write to";
    default:
      return "";
  }
}

std::string text_of(int error) {
  return fmt::format("{}{}", std::strerror(error), advice_on(error));
}

/// Locks a folder against other rankwire processes that look at its sockets or make some. Meanwhile
/// a socket that is bound but does not listen yet looks dead, and a dead one may be about to be
/// removed. The lock ends with the descriptor, so at the latest with the process.
Descriptor lock_folder_of(const std::string& path) {
  constexpr std::chrono::seconds patience{5};
  constexpr std::chrono::milliseconds look_interval{10};
  const std::string folder = std::filesystem::path{path}.parent_path().string();
  Descriptor lock{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!lock) refuse(path, fmt::format("{}: {}", folder, text_of(errno)));
  const Deadline deadline{patience};
  while (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      refuse(path, fmt::format("the folder {} cannot be locked: {}; choose one on a local disk, "
                               "such as /tmp",
                               folder, std::strerror(errno)));
    }
    if (deadline.expired()) {
      refuse(path, fmt::format("another process has had the folder {} locked for {} s; try again, "
                               "or choose a folder of your own",
                               folder, patience.count()));
    }
    std::this_thread::sleep_for(look_interval);
  }
  return lock;
}

Descriptor make_socket() {
  Descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  // Linux takes the file's mode from the socket. The umask would not do: it belongs to the whole
  // process, and other threads may be making files now.
  if (!socket || fchmod(socket.get(), owner_only) != 0) {
    throw TransportError{fmt::format("no Unix socket: {}", std::strerror(errno))};
  }
  return socket;
}

/// Whether there is a socket at the path on which nobody listens any more.
bool is_dead(const std::string& path) {
  struct stat there {};
  if (lstat(path.c_str(), &there) != 0 || !S_ISSOCK(there.st_mode)) return false;
  const SocketAddress address = socket_address({{}, 0, path});
  const Descriptor caller = make_socket();
  return connect(caller.get(), address.get(), address.length) != 0 && errno == ECONNREFUSED;
}

/// Handles a path at which something exists. The folder is locked.
void make_room(const std::string& path) {
  struct stat there {};
  if (lstat(path.c_str(), &there) != 0) return;
  if (!S_ISSOCK(there.st_mode)) refuse(path, "it is there and no socket; name another");
  if (!is_dead(path)) {
    refuse(path,
           "somebody listens there already, or it is another user's; is another master running? "
           "choose another path");
  }
  if (::unlink(path.c_str()) != 0) {
    refuse(path, fmt::format("the socket of a process that has ended cannot be removed: {}",
                             std::strerror(errno)));
  }
}

/// Returns false if something is there. The folder is locked.
bool listen_at(const Descriptor& socket, const std::string& path, int backlog) {
  const SocketAddress address = socket_address({{}, 0, path});
  if (::bind(socket.get(), address.get(), address.length) != 0) {
    if (errno == EADDRINUSE) return false;
    refuse(path, text_of(errno));
  }
  struct stat made {};
  // Nobody can have connected yet: the socket does not listen.
  if (lstat(path.c_str(), &made) != 0 || (made.st_mode & 0077U) != 0 ||
      ::listen(socket.get(), backlog) != 0) {
    const int error = errno;
    ::unlink(path.c_str());
    refuse(path, (made.st_mode & 0077U) != 0
                     ? "this file system opens the socket to other users; choose another folder"
                     : text_of(error));
  }
  return true;
}

/// The path of a worker whose master listens at PATH: "PATH.w0123abcd".
bool is_of_worker(const std::string& name, const std::string& master_name) {
  if (name.size() != master_name.size() + ipc_suffix_bytes || !name.starts_with(master_name)) {
    return false;
  }
  const std::string suffix = name.substr(master_name.size());
  return suffix.starts_with(worker_mark) &&
         suffix.find_first_not_of("0123456789abcdef", worker_mark.size()) == std::string::npos;
}

/// Removes sockets that killed workers of masters at this path have left. The folder is locked.
void sweep(const std::string& master_path) {
  const std::filesystem::path master{master_path};
  std::error_code ignored;
  for (std::filesystem::directory_iterator entry{master.parent_path(), ignored}, end; entry != end;
       entry.increment(ignored)) {
    const auto& path = entry->path();
    if (!is_of_worker(path.filename().string(), master.filename().string())) continue;
    if (is_dead(path.string())) ::unlink(path.c_str());
  }
}

}  // namespace

SocketFile::SocketFile(std::string path, Descriptor socket)
    : path_{std::move(path)}, socket_{std::move(socket)} {
  struct stat made {};
  if (lstat(path_.c_str(), &made) != 0) return;
  device_ = made.st_dev;
  inode_ = made.st_ino;
}

SocketFile SocketFile::of_master(const std::string& path, int backlog) {
  const Descriptor lock = lock_folder_of(path);
  sweep(path);
  Descriptor socket = make_socket();
  if (!listen_at(socket, path, backlog)) {
    make_room(path);
    if (!listen_at(socket, path, backlog)) refuse(path, "something is there again; try once more");
  }
  SocketFile made{path, std::move(socket)};
  made.of_master_ = true;
  return made;
}

SocketFile SocketFile::of_worker(const std::string& master_path, int backlog) {
  constexpr int attempts_max = 20;
  const Descriptor lock = lock_folder_of(master_path);
  std::random_device device;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    std::string path = fmt::format("{}{}{:0{}x}", master_path, worker_mark,
                                   static_cast<std::uint32_t>(device()), worker_digits);
    (void)parse_endpoint("ipc://" + path);  // throws if it is too long
    Descriptor socket = make_socket();
    if (listen_at(socket, path, backlog)) return {std::move(path), std::move(socket)};
  }
  refuse(master_path, "no free name for the socket of a worker beside it");
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_{std::exchange(other.path_, {})},
      socket_{std::move(other.socket_)},
      device_{other.device_},
      inode_{other.inode_},
      of_master_{other.of_master_} {}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
  if (this == &other) return *this;
  remove();
  path_ = std::exchange(other.path_, {});
  socket_ = std::move(other.socket_);
  device_ = other.device_;
  inode_ = other.inode_;
  of_master_ = other.of_master_;
  return *this;
}

void SocketFile::remove() noexcept {
  if (path_.empty()) return;
  try {
    const Descriptor lock = lock_folder_of(path_);
    struct stat now {};
    const bool ours = lstat(path_.c_str(), &now) == 0 && S_ISSOCK(now.st_mode) &&
                      now.st_dev == device_ && now.st_ino == inode_;
    if (ours) ::unlink(path_.c_str());
    if (of_master_) sweep(path_);
  } catch (const std::exception&) {
    // The path stays, or has gone with its folder. The next master there removes it.
  }
  path_.clear();
}

}  // namespace rankwire::zmq_wire
