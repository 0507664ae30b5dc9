#include <doctest/doctest.h>
#include <sys/stat.h>

#include <set>

#include "../support/folder.hpp"
#include "../support/process.hpp"
#include "keys/certificate.hpp"
#include "keys/certificate_text.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/printable.hpp"
#include "text_of.hpp"

using namespace rankwire;
using namespace rankwire::zmq_wire;
namespace fs = std::filesystem;

namespace {

constexpr const char* python = "/usr/bin/python3";  // the one that Debian's python3-zmq is for

unsigned mode_of(const std::string& file) {
  struct stat status = {};
  REQUIRE(stat(file.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

/// What a script prints; its arguments are sys.argv[1] and on.
std::string run_python(const std::string& script, const std::vector<std::string>& arguments) {
  std::vector<std::string> all{python, "-c", script};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const auto result = support::run({all});
  CHECK_MESSAGE(result.code == 0, result.err);
  return result.out;
}

bool python_has_zmq() {
  if (fs::exists(python) && support::run({{python, "-c", "import zmq.auth"}}).code == 0)
    return true;
  MESSAGE("skipped: /usr/bin/python3 has no zmq.auth; install python3-zmq");
  return false;
}

std::string refusal_of_secret(const std::string& file) {
  return text_of<UsageError>([&] { (void)read_secret(file); });
}

std::string refusal_of_public(const std::string& file) {
  return text_of<UsageError>([&] { (void)read_public(file); });
}

std::string refusal_of_text(const std::string& text) {
  return text_of<UsageError>([&] { (void)parse_certificate(text, "f"); });
}

}  // namespace

TEST_CASE("certificates: what is written is read, and the secret is its owner's alone") {
  const Folder folder;
  const mode_t usual = umask(0);
  const KeyPair pair = make_key_pair();
  const KeyFiles files = write_certificate(folder / "new", "w1", pair);
  umask(usual);
  CHECK(files.public_file == folder / "new/w1.key");
  CHECK(files.secret_file == folder / "new/w1.key_secret");
  CHECK(mode_of(folder / "new") == 0700);
  CHECK(mode_of(files.secret_file) == 0600);
  CHECK(mode_of(files.public_file) == 0644);
  CHECK(read_secret(files.secret_file).public_key == pair.public_key);
  CHECK(read_secret(files.secret_file).secret_key == pair.secret_key);
  CHECK(read_public(files.public_file).key == pair.public_key);
  CHECK(read_public(files.public_file).file == files.public_file);
  CHECK(content_of(files.public_file).find(pair.secret_key) == std::string::npos);
}

TEST_CASE("certificates: create_keys makes new ones each time") {
  const Folder folder;
  const auto first = create_keys(folder.path(), "a.b-c_9");
  const auto second = create_keys(folder.path() + "/x/y/", "w");
  CHECK(read_secret(first.secret_file).secret_key != read_secret(second.secret_file).secret_key);
  CHECK(mode_of(folder / "x/y") == 0700);
}

TEST_CASE("certificates: nothing is overwritten, and no half of a pair is left") {
  const Folder folder;
  const auto refused = [&](const std::string& name) {
    return text_of<UsageError>([&] { (void)create_keys(folder.path(), name); });
  };
  folder.write("a.key", "mine");
  CHECK_SAYS(refused("a"), "a.key' exists and is not overwritten");
  CHECK(content_of(folder / "a.key") == "mine");
  CHECK(!fs::exists(folder / "a.key_secret"));
  folder.write("b.key_secret", "mine");
  CHECK_SAYS(refused("b"), "b.key_secret' exists");
  CHECK(content_of(folder / "b.key_secret") == "mine");
  CHECK(!fs::exists(folder / "b.key"));
  // A link to a file that is not there yet would be somebody else's choice of place.
  fs::create_symlink(folder / "elsewhere", folder / "c.key_secret");
  CHECK_SAYS(refused("c"), "c.key_secret' exists");
  CHECK(!fs::exists(folder / "elsewhere"));
}

TEST_CASE("certificates: names and folders that are not accepted") {
  const Folder folder;
  const auto refused = [&](const std::string& directory, const std::string& name) {
    return text_of<UsageError>([&] { (void)create_keys(directory, name); });
  };
  for (const std::string name : {"", "a/b", "..", ".a", "-a", "a b", "a\n", "\xc3\xa4"}) {
    CHECK_SAYS(refused(folder.path(), name), "'" + printable(name) + "' is not accepted");
  }
  CHECK_SAYS(refused(folder.path(), std::string(65, 'a')), "1 to 64 letters");
  (void)create_keys(folder.path(), std::string(64, 'a'));
  CHECK_SAYS(refused(folder / (std::string(64, 'a') + ".key"), "w"), "cannot make the folder");
}

TEST_CASE("certificates: a secret that others may read is refused") {
  const Folder folder;
  const std::string secret = create_keys(folder.path(), "w").secret_file;
  for (const mode_t mode : {0640U, 0604U, 0620U, 0601U, 0666U}) {
    REQUIRE(chmod(secret.c_str(), mode) == 0);
    const std::string text = refusal_of_secret(secret);
    CHECK_SAYS(text, "chmod 600 " + secret);
    CHECK_SAYS(text, mode == 0640 ? "mode 0640" : "mode 06");
  }
  REQUIRE(chmod(secret.c_str(), 0400) == 0);
  CHECK(!read_secret(secret).secret_key.empty());
}

TEST_CASE("certificates: the other one of a pair is refused, and the right one named") {
  const Folder folder;
  const auto files = create_keys(folder.path(), "w");
  CHECK_SAYS(refusal_of_secret(files.public_file), "give '" + files.secret_file + "'");
  CHECK_SAYS(refusal_of_public(files.secret_file), "give '" + files.public_file + "'");
  fs::rename(files.secret_file, folder / "x");
  CHECK_SAYS(refusal_of_public(folder / "x"), "give 'NAME.key'");
}

TEST_CASE("certificates: a file's name is said printably") {
  const Folder folder;
  const std::string odd = folder / "\x1b[2J\n";
  const std::string shown = R"(\x1b[2J\x0a')";
  CHECK_SAYS(refusal_of_secret(odd), shown);
  CHECK_SAYS(refusal_of_public(odd), shown);
  CHECK_SAYS(refusal_of_public(folder.write("\x1b[2J\n", "stray")), R"(\x1b[2J\x0a line 1)");
  CHECK_SAYS(text_of<UsageError>([&] { (void)read_allowed(odd + "/none"); }),
             R"(\x1b[2J\x0a/none')");
  CHECK_SAYS(text_of<UsageError>([&] { (void)create_keys(odd + "/none", "w"); }), R"(\x0a/none')");
}

TEST_CASE("certificates: what is no file, or too large, is refused before it is read") {
  const Folder folder;
  CHECK_SAYS(refusal_of_secret(folder / "none"), "No such file");
  CHECK_SAYS(refusal_of_secret(folder / "none"), "rankwire keygen");
  CHECK_SAYS(refusal_of_public(folder.path()), "no regular file");
  CHECK_SAYS(refusal_of_public("/dev/zero"), "no regular file");
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK_SAYS(refusal_of_secret(folder / "pipe"), "no regular file");
  const std::string whole = certificate_text("w", {make_key_pair().public_key, {}});
  const std::string padding(certificate_bytes_max - whole.size(), '\n');
  CHECK(!read_public(folder.write("most", whole + padding)).key.empty());
  CHECK_SAYS(refusal_of_public(folder.write("more", whole + padding + "\n")), "more than 65536");
}

TEST_CASE("certificates: damaged text is refused with its line, and shows no key") {
  const KeyPair pair = make_key_pair();
  const std::string good = certificate_text("w", pair);
  CHECK(parse_certificate(good, "f").secret_key == pair.secret_key);
  const std::string a_public = "    public-key = \"" + pair.public_key + "\"\n";
  const std::string a_secret = "    secret-key = \"" + pair.secret_key + "\"\n";
  CHECK_SAYS(refusal_of_text(""), "file f line 1: the file ends");
  CHECK_SAYS(refusal_of_text("curve\n"), "line 1: the file ends, and no public-key");
  CHECK_SAYS(refusal_of_text(a_public), "no public-key stood in a section curve");
  CHECK_SAYS(refusal_of_text("curve\nmetadata\n" + a_public), "no public-key");
  CHECK_SAYS(refusal_of_text("curve\n" + a_secret), "no public-key");
  CHECK_SAYS(refusal_of_text("curve\n" + a_public + a_public), "line 3: a second public-key");
  CHECK_SAYS(refusal_of_text("\x7f"
                             "ELF\x01\n"),
             "line 1: neither a comment");
  CHECK_SAYS(refusal_of_text("curve\n    = x\n"), "line 2: neither");
  CHECK_SAYS(refusal_of_text("curve\n    public-key\n"), "line 2: the public-key has 0 characters");
  CHECK_SAYS(refusal_of_text("curve\n    public-key = \"abc\"\n"), "has 3 characters, and 40");
  CHECK_SAYS(refusal_of_text("curve\n    public-key = \"" + pair.public_key + "\n"), "not closed");
  CHECK_SAYS(refusal_of_text("curve\n    public-key = '" + pair.public_key + "' x\n"), "behind");
  CHECK_SAYS(refusal_of_text("curve\n    public-key = " + std::string(40, '~')), "no Z85");
  // Characters of Z85 whose number has more than 32 bits.
  CHECK_SAYS(refusal_of_text("curve\n    public-key = " + std::string(40, '#')), "no Z85");
  const std::string mixed = refusal_of_text("curve\n    public-key = \"" +
                                            make_key_pair().public_key + "\"\n" + a_secret);
  CHECK_SAYS(mixed, "not that of its secret-key");
  const std::string cut = refusal_of_text(good.substr(0, good.size() - 4));
  CHECK_SAYS(cut, "line");
  CHECK(cut.find(pair.secret_key.substr(0, 8)) == std::string::npos);
}

TEST_CASE("certificates: as others write them") {
  const KeyPair pair = make_key_pair();
  const auto read = [&](const std::string& key) {
    return parse_certificate("metadata\n    made by = \"me\"\n\tanything\nversion = 1\ncurve\n" +
                                 std::string{"    note = \"x\"\n    public-key"} + key + "\n",
                             "f")
        .public_key;
  };
  CHECK(read("=" + pair.public_key) == pair.public_key);
  CHECK(read(" = '" + pair.public_key + "' # mine") == pair.public_key);
  CHECK(read("  =  \"" + pair.public_key + "\"  \r") == pair.public_key);
}

TEST_CASE("certificates: all that are allowed, in the order of their names") {
  log().set_level(spdlog::level::off);
  const Folder folder;
  const auto refused = [&] {
    return text_of<UsageError>([&] { (void)read_allowed(folder.path()); });
  };
  CHECK_SAYS(refused(), "has no public key");
  folder.write("readme.txt", "no certificate");
  CHECK_SAYS(refused(), "has no public key");
  std::set<std::string> keys;
  for (const char* const name : {"w2", "w1", "w3"}) {
    keys.insert(read_public(create_keys(folder.path(), name).public_file).key);
  }
  const auto allowed = read_allowed(folder.path());
  REQUIRE(allowed.size() == 3);
  CHECK(allowed[0].file == folder / "w1.key");
  CHECK(allowed[2].file == folder / "w3.key");
  for (const auto& entry : allowed) CHECK(keys.contains(entry.key));
  fs::copy_file(folder / "w1.key_secret", folder / "w4.key");
  CHECK_SAYS(refused(), "w4.key' is a secret key");
  folder.write("w4.key", "rubbish!\n");
  CHECK_SAYS(refused(), "w4.key line 1");
  CHECK_SAYS(text_of<UsageError>([&] { (void)read_allowed(folder / "none"); }), "No such file");
}

TEST_CASE("certificates: too many are refused") {
  rankwire::log().set_level(spdlog::level::off);
  const Folder folder;
  for (const char* const name : {"a", "b", "c"}) (void)create_keys(folder.path(), name);
  CHECK(read_allowed(folder.path(), 3).size() == 3);
  CHECK_SAYS(text_of<UsageError>([&] { (void)read_allowed(folder.path(), 2); }),
             "more than 2 keys");
}

TEST_CASE("certificates: pyzmq reads ours") {
  if (!python_has_zmq()) return;
  const Folder folder;
  const auto files = create_keys(folder.path(), "w1");
  const KeyPair pair = read_secret(files.secret_file);
  const std::string script =
      "import sys, zmq.auth\n"
      "for key in zmq.auth.load_certificate(sys.argv[1]): print(key.decode() if key else None)\n";
  CHECK(run_python(script, {files.public_file}) == pair.public_key + "\nNone\n");
  CHECK(run_python(script, {files.secret_file}) == pair.public_key + "\n" + pair.secret_key + "\n");
}

TEST_CASE("certificates: we read pyzmq's") {
  if (!python_has_zmq()) return;
  const Folder folder;
  const std::string script =
      "import sys, zmq.auth\n"
      "files = zmq.auth.create_certificates(sys.argv[1], 'p', {'made by': 'a test'})\n"
      "for key in zmq.auth.load_certificate(files[1]): print(key.decode())\n";
  const std::string keys = run_python(script, {folder.path()});
  // It leaves the mode to the umask.
  REQUIRE(chmod((folder / "p.key_secret").c_str(), 0600) == 0);
  const KeyPair pair = read_secret(folder / "p.key_secret");
  CHECK(pair.public_key + "\n" + pair.secret_key + "\n" == keys);
  CHECK(read_public(folder / "p.key").key == pair.public_key);
  CHECK(read_allowed(folder.path()).front().key == pair.public_key);
}
