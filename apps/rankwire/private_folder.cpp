#include "private_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "rankwire/errors.hpp"

namespace launcher {
namespace {

/// A longer path would make the path of a socket in it too long for the system.
constexpr std::size_t parent_bytes_max = 60;
constexpr std::string_view prefix = "rankwire-launch-";
constexpr std::size_t random_characters = 6;

/// The places where the folder may be made, the best first.
std::vector<std::string> parents() {
  std::vector<std::string> all;
  for (const char* const variable : {"TMPDIR", "XDG_RUNTIME_DIR"}) {
    const char* const value = std::getenv(variable);
    // XDG_RUNTIME_DIR may be another user's, for example after su. Then nothing can be made there.
    const std::string path = value == nullptr ? "" : value;
    if (path.starts_with('/') && path.size() <= parent_bytes_max) all.push_back(path);
  }
  all.emplace_back("/tmp");
  return all;
}

/// Opens the folder. It must be this user's, closed to others, and no link. Otherwise -1.
int open_own(const char* path) {
  const int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  struct stat about {};
  if (folder >= 0 && fstat(folder, &about) == 0 && about.st_uid == geteuid() &&
      (about.st_mode & 0777U) == 0700U) {
    return folder;
  }
  if (folder >= 0) close(folder);
  return -1;
}

/// Takes the launcher's lock of a folder. It is on a file of its own, since ranks lock the folder
/// itself for a moment. -1 if another process holds it, or the folder is being removed.
int take_lock(int folder) {
  const int lock = openat(folder, "launcher", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  // If the file system has no locks, no process can hold one.
  if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return lock;
  close(lock);
  return -1;
}

/// Removes the folder and the sockets in it. A folder that contains folders is not ours, and stays.
void remove_folder(int folder, const std::string& path) {
  constexpr int entries_max = 10'000;
  const int copy = fcntl(folder, F_DUPFD_CLOEXEC, 0);
  DIR* const listing = copy < 0 ? nullptr : fdopendir(copy);
  if (listing == nullptr) {
    if (copy >= 0) close(copy);
    return;
  }
  for (int i = 0; i < entries_max; ++i) {
    const dirent* const entry = readdir(listing);
    if (entry == nullptr) break;
    unlinkat(folder, entry->d_name, 0);  // fails for "." and ".."
  }
  closedir(listing);
  rmdir(path.c_str());
}

/// Removes folders that killed launchers have left.
void remove_left_behind(const std::string& parent) {
  constexpr int removals_max = 100;
  DIR* const listing = opendir(parent.c_str());
  if (listing == nullptr) return;
  int removals = 0;
  while (const dirent* const entry = readdir(listing)) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(prefix) || name.size() != prefix.size() + random_characters) continue;
    const std::string path = parent + "/" + entry->d_name;
    const int folder = open_own(path.c_str());
    if (folder < 0) continue;
    if (const int lock = take_lock(folder); lock >= 0) {
      remove_folder(folder, path);
      close(lock);
      ++removals;
    }
    close(folder);
    if (removals == removals_max) break;
  }
  closedir(listing);
}

/// Makes a folder and takes its lock. Empty if it cannot be made; errno says why.
std::string make_in(const std::string& parent, int& lock) {
  constexpr int attempts = 10;
  for (int i = 0; i < attempts; ++i) {
    std::string path = parent + "/" + std::string{prefix} + std::string(random_characters, 'X');
    if (mkdtemp(path.data()) == nullptr) return {};
    const int folder = open_own(path.c_str());
    lock = folder < 0 ? -1 : take_lock(folder);
    struct stat held {
    }, there{};
    // Before the lock was taken, another launcher may have removed the folder as one left behind.
    const bool is_ours = lock >= 0 && fstat(folder, &held) == 0 &&
                         lstat(path.c_str(), &there) == 0 && held.st_ino == there.st_ino &&
                         held.st_dev == there.st_dev;
    const int error = errno;
    if (folder >= 0) close(folder);
    if (is_ours) return path;
    if (lock >= 0) close(lock);
    lock = -1;
    rmdir(path.c_str());
    errno = error;
  }
  return {};
}

}  // namespace

PrivateFolder::PrivateFolder() {
  for (const std::string& parent : parents()) {
    remove_left_behind(parent);
    if (path_.empty()) path_ = make_in(parent, lock_);
  }
  if (path_.empty()) {
    throw rankwire::TransportError{fmt::format(
        "no folder for the ranks' sockets in /tmp: {}; use --over tcp", std::strerror(errno))};
  }
}

PrivateFolder::~PrivateFolder() {
  if (const int folder = open_own(path_.c_str()); folder >= 0) {
    remove_folder(folder, path_);
    close(folder);
  }
  close(lock_);
}

}  // namespace launcher
