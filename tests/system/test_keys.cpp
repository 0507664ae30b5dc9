#include <sys/stat.h>

#include <filesystem>

#include "../../apps/rankwire/port.hpp"
#include "../support/folder.hpp"
#include "system.hpp"

// Keys, with whole programs: who is refused ends by itself with exit code 2, both sides say which
// of the reasons it was and what to do, and the master waits on for the right worker.

using namespace test_system;

namespace {

/// A master and its worker with the keys that they need, and a stranger with keys of its own.
class Keys {
 public:
  Keys() {
    for (const char* const name : {"master", "worker", "stranger"}) {
      const auto made = support::run({{LAUNCHER, "keygen", name, "--dir", folder_.path()}});
      REQUIRE(made.code == 0);
    }
    std::filesystem::create_directory(allowed());
    std::filesystem::copy(file("worker.key"), allowed());
  }

  [[nodiscard]] std::string file(const std::string& name) const { return folder_ / name; }
  [[nodiscard]] std::string allowed() const { return file("allowed"); }
  [[nodiscard]] Arguments of_master() const {
    return {"--key", file("master.key_secret"), "--allow", allowed()};
  }
  [[nodiscard]] Arguments of_worker() const { return of("worker", "master"); }
  [[nodiscard]] Arguments of(const std::string& who, const std::string& server) const {
    return {"--key", file(who + ".key_secret"), "--server-key", file(server + ".key")};
  }
  /// The key itself, as it stands in the public certificate.
  [[nodiscard]] std::string public_key(const std::string& who) const {
    const std::string text = content_of(file(who + ".key"));
    const auto begin = text.find('"') + 1;
    return text.substr(begin, text.find('"', begin) - begin);
  }

 private:
  Folder folder_;
};

/// The master of a world of two, and where workers join it.
class Master {
 public:
  explicit Master(const Arguments& options)
      : process_{{Arguments{PRODUCT, "-n", "2", "--listen", endpoint()} + options}} {
    process_.wait_for_text("listens on");
  }

  [[nodiscard]] std::string endpoint() const {
    return "tcp://127.0.0.1:" + std::to_string(port_.number());
  }

  /// Starts a worker, which must end with exit code 2 and one line that has these words; the master
  /// says the others.
  void refuses(const Arguments& options, const Arguments& at_worker, const Arguments& at_master,
               const std::string& join = {}) {
    const auto worker =
        support::run({Arguments{PRODUCT, "--join", join.empty() ? endpoint() : join} + options});
    CHECK_CODE(worker, 2);
    CHECK(worker.out.empty());
    for (const auto& words : at_worker) CHECK_HAS(worker.err, words);
    for (const auto& words : at_master) process_.wait_for_text(words);
    CHECK(process_.so_far().out.empty());
  }

  /// It still waits, and runs with this worker as if nothing had been.
  void runs_with(const Arguments& options) {
    const auto worker = support::run({Arguments{PRODUCT, "--join", endpoint()} + options});
    CHECK_CODE(worker, 0);
    const auto master = process_.wait();
    CHECK_CODE(master, 0);
    CHECK(master.out == golden(2));
  }

 private:
  launcher::ReservedPort port_{0};
  Process process_;
};

void make_readable_by_others(const std::string& file) {
  REQUIRE(chmod(file.c_str(), 0644) == 0);
}

}  // namespace

TEST_CASE("keys: with the right ones all is as without, and nothing warns") {
  const Keys keys;
  Master master{keys.of_master()};
  master.runs_with(keys.of_worker());
}

TEST_CASE("keys: from the environment, and from a configuration file") {
  const Keys keys;
  const launcher::ReservedPort port{0};
  const auto endpoint = "tcp://127.0.0.1:" + std::to_string(port.number());
  std::ofstream{keys.file("master.toml")} << "listen = \"" << endpoint << "\"\nranks = 2\nkey = \""
                                          << keys.file("master.key_secret") << "\"\nallow = \""
                                          << keys.allowed() << "\"\n";
  Process worker{{{PRODUCT},
                  {{"RANKWIRE_JOIN", endpoint},
                   {"RANKWIRE_KEY", keys.file("worker.key_secret")},
                   {"RANKWIRE_SERVER_KEY", keys.file("master.key")}}}};
  const auto master = support::run({{PRODUCT, "--config", keys.file("master.toml")}});
  CHECK_CODE(master, 0);
  CHECK(master.out == golden(2));
  CHECK_CODE(worker.wait(), 0);
}

TEST_CASE("keys: a key that is not listed") {
  const Keys keys;
  Master master{keys.of_master()};
  const Arguments at_worker{"the master refuses the key", keys.file("stranger.key_secret"),
                            "--allow", "restart the master"};
  const Arguments at_master{"refused 127.0.0.1: its public key " + keys.public_key("stranger") +
                            " is not in " + keys.allowed()};
  master.refuses(keys.of("stranger", "master"), at_worker, at_master);
  master.refuses(keys.of("stranger", "master"), at_worker, {});
  master.runs_with(keys.of_worker());
}

TEST_CASE("keys: a worker without, at a master that has them") {
  const Keys keys;
  Master master{keys.of_master()};
  master.refuses(
      {}, {"the master asks for keys", "--key and --server-key"},
      {"a caller did not come through the handshake", "links have keys here", "--server-key"});
  master.runs_with(keys.of_worker());
}

TEST_CASE("keys: a worker that has them, at a master without") {
  const Keys keys;
  Master master{{}};
  master.refuses(keys.of_worker(), {"the master has no keys", "--key and --allow", "without --key"},
                 {"a caller did not come through the handshake", "links have no keys here",
                  "--key and --allow", "the caller without --key"});
  master.runs_with({});
}

TEST_CASE("keys: a worker that was given the key of another master") {
  const Keys keys;
  Master master{keys.of_master()};
  master.refuses(
      keys.of("worker", "stranger"),
      {keys.file("stranger.key") + " is not the public key of the master", "copy the master's"},
      {"a caller did not come through the handshake", "a wrong one", "--server-key"});
  master.runs_with(keys.of_worker());
}

// Nobody listens at the others, and that keeps nobody who was refused.
TEST_CASE("keys: who is refused stops also where the master may have other addresses") {
  const Keys keys;
  Master master{keys.of_master()};
  const launcher::ReservedPort nobodys{0};
  std::ofstream{keys.file("addresses")} << master.endpoint()
                                        << "\ntcp://127.0.0.1:" << nobodys.number() << "\n";
  const std::string join = "@" + keys.file("addresses");
  master.refuses(keys.of("stranger", "master"), {"the master refuses the key"}, {}, join);
  master.refuses({}, {"the master asks for keys"}, {}, join);
  master.refuses(keys.of("worker", "stranger"), {"is not the public key of the master"}, {}, join);
  master.runs_with(keys.of_worker());
}

TEST_CASE("keys: a secret that others may read is refused by its own side") {
  const Keys keys;
  const Arguments what_to_do{"may read the secret key", "mode 0644", "chmod 600"};
  Master master{keys.of_master()};
  make_readable_by_others(keys.file("stranger.key_secret"));
  master.refuses(keys.of("stranger", "master"), what_to_do + Arguments{"stranger.key_secret"}, {});
  master.runs_with(keys.of_worker());
  make_readable_by_others(keys.file("master.key_secret"));
  const auto result = support::run(
      {Arguments{PRODUCT, "-n", "2", "--listen", "tcp://127.0.0.1:0"} + keys.of_master()});
  CHECK_CODE(result, 2);
  for (const auto& words : what_to_do + Arguments{"master.key_secret"})
    CHECK_HAS(result.err, words);
}
