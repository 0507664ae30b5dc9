#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace rankwire::zmq_wire {

/// The file in which a master says where it can be joined, one endpoint a line. This object removes
/// the file when it ends, unless another process has replaced it. A master that is killed leaves it
/// behind.
class AddressFile {
 public:
  AddressFile() = default;  ///< no file
  /// Writes the file. Readers see all of it or nothing. Throws UsageError if that is not possible.
  AddressFile(std::string path, const std::vector<std::string>& endpoints);
  ~AddressFile() { remove(); }
  AddressFile(AddressFile&& other) noexcept;
  AddressFile& operator=(AddressFile&& other) noexcept;
  AddressFile(const AddressFile&) = delete;
  AddressFile& operator=(const AddressFile&) = delete;

  /// Removes the file now, if it is still this object's.
  void remove() noexcept;
  /// Leaves the file to another process, which removes it.
  void disown() noexcept { path_.clear(); }

 private:
  [[nodiscard]] bool is_still_ours() const;

  std::string path_;  // empty: no file
  std::string content_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

/// The content of an address file.
struct AddressFileContent {
  std::vector<std::string> endpoints;  ///< as they stand in the file, each with a host and a port
  std::string missing;  ///< why there are none (yet), in words: "there is no such file yet", ...
};

/// Reads the file at `path`. A file that does not exist yet, is empty or ends within a line has no
/// endpoints: somebody may be writing it. Throws UsageError, with the line, for other content that
/// no master has written.
[[nodiscard]] AddressFileContent read_address_file(const std::string& path);

}  // namespace rankwire::zmq_wire
