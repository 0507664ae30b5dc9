#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "open_files.hpp"
#include "rankwire/errors.hpp"
#include "zmq_world.hpp"

using namespace rankwire::zmq_wire;
using zmq_world::has;

namespace {

/// So many files may be open, by its life.
class FileLimit {
 public:
  explicit FileLimit(rlim_t files) {
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit now{files, before_.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &now) == 0);
  }
  ~FileLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit before_{};
};

std::string missing_for(std::size_t more) {
  try {
    check_files_left(more, "a test");
  } catch (const rankwire::TransportError& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("open files: what is short is said, with the limit") {
  CHECK(file_shortage().empty());
  CHECK(missing_for(1).empty());
  {
    const FileLimit limit{200};
    CHECK(file_shortage().empty());
    const std::string text = missing_for(200);
    CHECK(has(text, "a test needs about 200 open files"));
    CHECK(has(text, "ulimit -n is 200"));
    CHECK(missing_for(50).empty());
  }
  const FileLimit none{1};
  CHECK(has(file_shortage(), "ulimit -n is 1"));
  CHECK(has(missing_for(1), "ulimit -n is 1"));
}

TEST_CASE("open files: a master that runs out of them while it waits says so, not that none came") {
  const auto endpoint = conformance::free_endpoint();
  auto hurried = zmq_world::settings();
  hurried.join_timeout = std::chrono::milliseconds{1500};
  auto zero = zmq_world::master(endpoint, 2, hurried);
  CHECK(zero.wait_for(std::chrono::milliseconds{500}) == std::future_status::timeout);
  const FileLimit none{4};  // less than are open, and enough for poll
  const std::string text = zmq_world::refusal<rankwire::TransportError>(zero);
  CHECK(has(text, "did not come"));
  CHECK(has(text, "ulimit -n is 4"));
}
