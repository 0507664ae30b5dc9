#pragma once

#include <filesystem>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>

namespace fuzz {

/// Writes the seeds of one target into a folder of its name, 000, 001, ...
class Seeds {
 public:
  Seeds(const std::filesystem::path& folder, const char* target) : folder_{folder / target} {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void add(std::string_view bytes) {
    const std::string number = std::to_string(1000 + count_++).substr(1);
    std::ofstream file{folder_ / number, std::ios::binary};
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) throw std::runtime_error{"cannot write " + (folder_ / number).string()};
  }

 private:
  std::filesystem::path folder_;
  int count_ = 0;
};

[[nodiscard]] inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void add_protocol_seeds(Seeds seeds);
void add_handshake_seeds(Seeds seeds);

}  // namespace fuzz
