#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz.hpp"

// replay FILE|FOLDER...: gives each file to the target once, in a build without libFuzzer. So the
// targets are built and run by the ordinary tests, and what once broke something stays mended.

namespace {

void replay(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  const std::vector<char> bytes{std::istreambuf_iterator<char>{file}, {}};
  std::printf("%s\n", path.c_str());
  std::fflush(stdout);  // before a crash
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  int replayed = 0;
  for (const std::string name : std::span{argv, static_cast<std::size_t>(argc)}.subspan(1)) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator{name}) {
      if (!entry.is_regular_file()) continue;
      replay(entry.path());
      ++replayed;
    }
  }
  std::printf("%d inputs\n", replayed);
  return replayed > 0 ? 0 : 1;
}
