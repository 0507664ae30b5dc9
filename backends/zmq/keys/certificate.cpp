#include "keys/certificate.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "keys/certificate_text.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/printable.hpp"
#include "reach/descriptor.hpp"

namespace rankwire::zmq_wire {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view public_ending = ".key";
constexpr std::string_view secret_ending = ".key_secret";
constexpr mode_t others = 077;  // the bits of a mode that give others access

/// A new file. It is removed again unless it is kept.
class NewFile {
 public:
  NewFile(std::string path, mode_t mode)
      : path_{std::move(path)},
        file_{::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)} {
    if (file_.get() >= 0) return;
    throw UsageError{
        errno == EEXIST
            ? fmt::format("'{}' exists and is not overwritten; choose another name or folder, or "
                          "move it away",
                          printable_path(path_))
            : fmt::format("cannot make '{}': {}; choose a folder where this user may write",
                          printable_path(path_), std::strerror(errno))};
  }
  ~NewFile() {
    if (!kept_ && file_.get() >= 0) ::unlink(path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  /// Writes a few hundred bytes. A file system takes them at once, or has no room.
  void write(const std::string& text) {
    if (::write(file_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) return;
    throw UsageError{
        fmt::format("cannot write '{}': {}", printable_path(path_), std::strerror(errno))};
  }
  std::string keep() {
    kept_ = true;
    return path_;
  }

 private:
  std::string path_;
  Descriptor file_;
  bool kept_ = false;
};

struct File {
  std::string text;
  mode_t mode = 0;
};

File read_file(const std::string& path) {
  // O_NONBLOCK, so that it does not wait for the other end of a pipe.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat status = {};
  if (file.get() < 0 || fstat(file.get(), &status) != 0) {
    throw UsageError{fmt::format("cannot read the certificate '{}': {}; rankwire keygen makes one",
                                 printable_path(path), std::strerror(errno))};
  }
  if (!S_ISREG(status.st_mode)) {
    throw UsageError{
        fmt::format("'{}' is no regular file; name a certificate, NAME.key or "
                    "NAME.key_secret",
                    printable_path(path))};
  }
  File read{std::string(certificate_bytes_max + 1, '\0'), status.st_mode & 07777};
  std::size_t filled = 0;
  while (filled < read.text.size()) {
    const ssize_t got = ::read(file.get(), read.text.data() + filled, read.text.size() - filled);
    if (got < 0) {
      throw UsageError{fmt::format("cannot read the certificate '{}': {}", printable_path(path),
                                   std::strerror(errno))};
    }
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (filled > certificate_bytes_max) {
    throw UsageError{fmt::format("'{}' is no certificate: it has more than {} bytes",
                                 printable_path(path), certificate_bytes_max)};
  }
  read.text.resize(filled);
  return read;
}

void check_name(const std::string& name) {
  constexpr std::size_t length_max = 64;
  constexpr std::string_view first =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  if (!name.empty() && name.size() <= length_max && first.find(name[0]) != std::string::npos &&
      name.find_first_not_of(std::string{first}.append("._-")) == std::string::npos) {
    return;
  }
  throw UsageError{fmt::format(
      "the name '{}' is not accepted: 1 to {} letters, digits, '.', '_' and '-' are, a letter or "
      "digit first",
      printable(name), length_max)};
}

void make_directory(const std::string& directory) {
  if (fs::is_directory(directory)) return;
  std::error_code error;
  // Removes a slash at the end. With it, the folder would be made as its own parent, with the usual
  // mode.
  fs::path whole = directory;
  if (directory.ends_with('/')) whole = whole.parent_path();
  if (whole.has_parent_path()) fs::create_directories(whole.parent_path(), error);
  if (!error && ::mkdir(whole.c_str(), 0700) == 0) return;
  throw UsageError{fmt::format("cannot make the folder '{}': {}", printable_path(directory),
                               error ? error.message() : std::string{std::strerror(errno)})};
}

void check_curve() {
  if (zmq_has("curve") == 1) return;
  throw UsageError{
      "the libzmq of this machine was built without CURVE, so there can be no keys; install one "
      "that has it (Debian's libzmq5 does)"};
}

}  // namespace

KeyPair make_key_pair() {
  check_curve();
  std::array<char, key_characters + 1> public_key{}, secret_key{};
  if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0) {
    throw TransportError{fmt::format("cannot make a key pair: {}", zmq_strerror(zmq_errno()))};
  }
  return {public_key.data(), secret_key.data()};
}

std::string z85_text(const std::byte* bytes) {
  std::array<char, key_characters + 1> text{};
  zmq_z85_encode(text.data(), reinterpret_cast<const std::uint8_t*>(bytes), key_bytes);
  return text.data();
}

KeyFiles write_certificate(const std::string& directory, const std::string& name,
                           const KeyPair& pair) {
  check_name(name);
  make_directory(directory);
  const std::string path = (fs::path{directory} / name).string();
  NewFile secret_file{path + std::string{secret_ending}, 0600};
  NewFile public_file{path + std::string{public_ending}, 0644};
  secret_file.write(certificate_text(name, pair));
  public_file.write(certificate_text(name, {pair.public_key, {}}));
  return {public_file.keep(), secret_file.keep()};
}

KeyPair read_secret(const std::string& file) {
  check_curve();
  const File read = read_file(file);
  KeyPair pair = parse_certificate(read.text, file);
  if (pair.secret_key.empty()) {
    throw UsageError{fmt::format("'{}' is a public key, and the secret one is needed: give '{}'",
                                 printable_path(file),
                                 file.ends_with(public_ending) ? printable_path(file + "_secret")
                                                               : std::string{"NAME.key_secret"})};
  }
  if ((read.mode & others) != 0) {
    throw UsageError{fmt::format(
        "others than its owner may read the secret key '{0}' (mode {1:04o}): chmod 600 {0}, or "
        "make a new key if one of them may have done so",
        printable_path(file), read.mode)};
  }
  return pair;
}

PublicKey read_public(const std::string& file) {
  check_curve();
  KeyPair pair = parse_certificate(read_file(file).text, file);
  if (!pair.secret_key.empty()) {
    throw UsageError{fmt::format(
        "'{}' is a secret key, and the public one is needed: give '{}', and leave secret keys on "
        "the hosts of their owners",
        printable_path(file),
        file.ends_with(secret_ending) ? printable_path(file.substr(0, file.rfind('_')))
                                      : std::string{"NAME.key"})};
  }
  return {std::move(pair.public_key), file};
}

std::vector<PublicKey> read_allowed(const std::string& directory, std::size_t keys_max) {
  std::vector<std::string> files;
  std::string secret;
  std::error_code error;
  for (fs::directory_iterator entry{directory, error}, end; !error && entry != end;
       entry.increment(error)) {
    const std::string path = entry->path().string();
    if (path.ends_with(secret_ending)) secret = path;
    if (path.ends_with(public_ending)) files.push_back(path);
    if (files.size() > keys_max) {
      throw UsageError{
          fmt::format("'{}' has more than {} keys (*.key)", printable_path(directory), keys_max)};
    }
  }
  if (error) {
    throw UsageError{
        fmt::format("cannot read the folder '{}': {}; name one with the public keys "
                    "(NAME.key) that may join",
                    printable_path(directory), error.message())};
  }
  if (files.empty()) {
    throw UsageError{
        fmt::format("'{}' has no public key: copy the NAME.key of everyone who may join there",
                    printable_path(directory))};
  }
  if (!secret.empty()) {
    log().warn("'{}' is a secret key among public ones; keep it on its owner's host only",
               printable_path(secret));
  }
  std::sort(files.begin(), files.end());
  std::vector<PublicKey> keys;
  for (const std::string& file : files) keys.push_back(read_public(file));
  return keys;
}

}  // namespace rankwire::zmq_wire

namespace rankwire {

KeyFiles create_keys(const std::string& directory, const std::string& name) {
  return zmq_wire::write_certificate(directory, name, zmq_wire::make_key_pair());
}

}  // namespace rankwire
