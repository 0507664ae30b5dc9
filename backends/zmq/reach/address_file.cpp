#include "reach/address_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "rankwire/errors.hpp"
#include "rankwire/printable.hpp"
#include "reach/descriptor.hpp"
#include "reach/endpoint.hpp"

namespace rankwire::zmq_wire {
namespace {

constexpr std::size_t file_bytes_max = std::size_t{64} << 10;
constexpr std::size_t endpoints_max = 64;
constexpr mode_t for_all_to_read = 0644;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw UsageError{fmt::format("address file {}: {}", printable_path(path), why)};
}

/// Nothing if the file is too large.
std::optional<std::string> read_all(int file, const std::string& path) {
  std::string content(file_bytes_max + 1, '\0');
  std::size_t filled = 0;
  while (filled < content.size()) {
    const ssize_t count = ::read(file, content.data() + filled, content.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse(path, std::strerror(errno));
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  if (filled > file_bytes_max) return std::nullopt;
  content.resize(filled);
  return content;
}

/// Returns why the file could not be written. Empty if it was.
std::string write_all(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count = ::write(file, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::strerror(errno);
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

/// Checks that the path is a file or free. root's rename would replace a device or a directory by a
/// file.
void check_replaceable(const std::string& path) {
  struct stat there {};
  if (::stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    refuse(path, "it is there and no ordinary file; name another");
  }
}

/// Returns why nobody can join at `line`. Empty if that can be tried.
std::string fault_of(const std::string& line) {
  try {
    const Endpoint endpoint = parse_endpoint(line);
    const bool joinable = endpoint.is_ipc() || (endpoint.port != 0 && endpoint.host != "*");
    return joinable ? ""
                    : fmt::format("'{}' cannot be joined: name a host and a port", printable(line));
  } catch (const UsageError& error) {
    return error.what();
  }
}

std::vector<std::string> parse_lines(const std::string& path, std::string_view rest) {
  std::vector<std::string> endpoints;
  for (int line = 1; !rest.empty(); ++line) {
    const std::size_t end = rest.find('\n');
    std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
    if (text.empty()) continue;
    if (endpoints.size() == endpoints_max) {
      refuse(path, fmt::format("line {}: at most {} endpoints are accepted", line, endpoints_max));
    }
    endpoints.emplace_back(text);
    const std::string fault = fault_of(endpoints.back());
    if (!fault.empty()) refuse(path, fmt::format("line {}: {}", line, fault));
  }
  return endpoints;
}

}  // namespace

AddressFile::AddressFile(std::string path, const std::vector<std::string>& endpoints)
    : content_{fmt::format("{}\n", fmt::join(endpoints, "\n"))} {
  check_replaceable(path);
  std::string temporary = path + ".XXXXXX";
  const Descriptor file{mkostemp(temporary.data(), O_CLOEXEC)};
  if (!file) refuse(path, fmt::format("cannot write beside it: {}", std::strerror(errno)));
  std::string failure = write_all(file.get(), content_);
  struct stat written {};
  // A temporary file is made for its owner only. This sets the usual mode.
  if (failure.empty() &&
      (fchmod(file.get(), for_all_to_read) != 0 || fstat(file.get(), &written) != 0 ||
       std::rename(temporary.c_str(), path.c_str()) != 0)) {
    failure = std::strerror(errno);
  }
  if (!failure.empty()) {
    ::unlink(temporary.c_str());
    refuse(path, fmt::format("cannot write it: {}", failure));
  }
  device_ = written.st_dev;
  inode_ = written.st_ino;
  path_ = std::move(path);
}

AddressFile::AddressFile(AddressFile&& other) noexcept
    : path_{std::exchange(other.path_, {})},
      content_{std::move(other.content_)},
      device_{other.device_},
      inode_{other.inode_} {}

AddressFile& AddressFile::operator=(AddressFile&& other) noexcept {
  if (this == &other) return *this;
  remove();
  path_ = std::exchange(other.path_, {});
  content_ = std::move(other.content_);
  device_ = other.device_;
  inode_ = other.inode_;
  return *this;
}

void AddressFile::remove() noexcept {
  if (path_.empty()) return;
  try {
    if (is_still_ours()) ::unlink(path_.c_str());
  } catch (const std::exception&) {
    // The file stays. The next master replaces it.
  }
  path_.clear();
}

/// Compares the content as well: the system may give the number of a replaced file to another one.
bool AddressFile::is_still_ours() const {
  const Descriptor file{::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat now {};
  return file && fstat(file.get(), &now) == 0 && now.st_dev == device_ && now.st_ino == inode_ &&
         read_all(file.get(), path_) == content_;
}

AddressFileContent read_address_file(const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file) {
    // ESTALE: on a shared file system, the file was replaced between its look-up and its opening.
    if (errno == ENOENT || errno == ESTALE) return {{}, "there is no such file yet"};
    refuse(path, std::strerror(errno));
  }
  struct stat about {};
  if (fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) refuse(path, "no ordinary file");
  const auto content = read_all(file.get(), path);
  if (!content) refuse(path, fmt::format("larger than {} bytes", file_bytes_max));
  if (content->empty()) return {{}, "the file is empty"};
  if (content->back() != '\n') {
    return {{}, "the file's last line has no end: somebody is writing it, or it was cut off"};
  }
  auto endpoints = parse_lines(path, *content);
  const bool none = endpoints.empty();
  return {std::move(endpoints), none ? "the file has no endpoint" : ""};
}

}  // namespace rankwire::zmq_wire
