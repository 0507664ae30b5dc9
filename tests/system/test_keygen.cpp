#include <sys/stat.h>

#include <algorithm>

#include "../support/folder.hpp"
#include "system.hpp"

using namespace test_system;

namespace {

Result keygen(const Arguments& arguments) {
  return support::run({Arguments{LAUNCHER, "keygen"} + arguments});
}

/// Exit code 2, nothing on stdout, one line on stderr that has all the words.
void refused(const Arguments& arguments, const Arguments& words) {
  const auto result = keygen(arguments);
  CHECK_CODE(result, 2);
  CHECK(result.out.empty());
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  for (const auto& word : words) CHECK_HAS(result.err, word);
}

}  // namespace

TEST_CASE("keygen: two files, and what to do with each") {
  const Folder folder;
  const std::string made = folder / "keys";
  const auto result = keygen({"w1", "--dir", made});
  CHECK_CODE(result, 0);
  CHECK(result.err.empty());
  for (const auto& part : {made + "/w1.key\n", made + "/w1.key_secret\n", std::string{"--allow"},
                           std::string{"--server-key"}, std::string{"--key"}}) {
    CHECK_HAS(result.out, part);
  }
  struct stat status = {};
  REQUIRE(stat((made + "/w1.key_secret").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0600);
  refused({"w1", "--dir", made}, {"rankwire keygen:", "w1.key_secret", "not overwritten"});
}

TEST_CASE("keygen: wrong usage is refused") {
  refused({}, {"NAME"});
  refused({"../w1"}, {"'../w1'", "rankwire keygen --dir '..' w1"});
  refused({"/w1"}, {"'/w1'", "--dir '/' w1"});
  refused({"keys/"}, {"'keys/'", "--dir 'keys' NAME"});
  refused({"w 1"}, {"'w 1'", "letters"});
  refused({"w\n\x1b"}, {R"('w\x0a\x1b')", "letters"});
  refused({"a\n/w"}, {R"(rankwire keygen --dir 'a\x0a' w)"});
  refused({"w1", "\n"}, {R"(unknown argument \x0a;)"});
  refused({"w1", "w2"}, {"w2"});
  refused({"w1", "--dri", "d"}, {"--dri", "--dir"});
  refused({"w1", "--", "w2"}, {"--"});
  refused({"w1", "--dir", "/dev/null/keys"}, {"/dev/null/keys"});
  const auto help = keygen({"--help"});
  CHECK_CODE(help, 0);
  CHECK_HAS(help.out, "--dir");
}
