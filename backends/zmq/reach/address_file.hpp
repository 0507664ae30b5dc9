#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace rankwire::zmq_wire {

/// The file in which a master says where it can be joined, one endpoint a line. Removed with this
/// object, unless somebody else has put another in its place. A master that is killed leaves it.
class AddressFile {
 public:
  AddressFile() = default;  ///< none
  /// Writes it: readers see all of it or nothing. Throws UsageError when that cannot be done.
  AddressFile(std::string path, const std::vector<std::string>& endpoints);
  ~AddressFile() { remove(); }
  AddressFile(AddressFile&& other) noexcept;
  AddressFile& operator=(AddressFile&& other) noexcept;
  AddressFile(const AddressFile&) = delete;
  AddressFile& operator=(const AddressFile&) = delete;

  /// Removes it now, where it is still ours.
  void remove() noexcept;
  /// It is another process's to remove.
  void disown() noexcept { path_.clear(); }

 private:
  [[nodiscard]] bool is_still_ours() const;

  std::string path_;  // empty: none
  std::string content_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

/// What an address file says now.
struct AddressFileContent {
  std::vector<std::string> endpoints;  ///< as they stand there, each with a host and a port
  std::string missing;  ///< why there are none (yet), in words: "there is no such file yet", ...
};

/// Reads the file at `path`; one that is not there yet, is empty or ends within a line (somebody is
/// writing it) has no endpoints. Throws UsageError for anything else that no master has written,
/// with the line.
[[nodiscard]] AddressFileContent read_address_file(const std::string& path);

}  // namespace rankwire::zmq_wire
