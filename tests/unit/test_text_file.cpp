#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "../support/folder.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/text_file.hpp"

using namespace rankwire;
using namespace std::chrono_literals;

TEST_CASE("text file: a pipe is read to its end; one that gives nothing is refused") {
  const Folder folder;
  const std::string pipe = folder / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_THROWS_WITH_AS((void)read_text_file(pipe, 10, 50ms), doctest::Contains("nothing for 50ms"),
                       UsageError);
  std::thread writer{[&pipe] {
    std::ofstream file{pipe};
    file << "ranks" << std::flush;
    std::this_thread::sleep_for(20ms);
    file << " = 3";
  }};
  CHECK(read_text_file(pipe, 10) == "ranks = 3");
  writer.join();
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(write(ends[1], "gone", 4) == 4);
  close(ends[1]);
  CHECK(read_text_file("/dev/fd/" + std::to_string(ends[0]), 10) == "gone");
  close(ends[0]);
  CHECK(read_text_file("/dev/null", 10).empty());
}
