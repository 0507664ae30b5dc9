#include <filesystem>
#include <fstream>

#include "../support/folder.hpp"
#include "launch.hpp"

using namespace test_system;

TEST_CASE("launch: another size of the world than its own is refused at once") {
  const auto result = run(launch(2, {PRODUCT, "-n", "3"}));
  CHECK_CODE(result, 2);
  CHECK_HAS(result.err, "--ranks (command line) says 3 ranks, but rankwire launch started 2");
  CHECK_CODE(run(launch(2, {PRODUCT, "-n", "2"})), 0);
}

TEST_CASE("launch: another transport than zmq is refused: each rank would be a world") {
  for (const int ranks : {1, 2}) {
    const auto result = run(launch(ranks, {PRODUCT, "--transport", "inproc"}));
    CHECK_CODE(result, 2);
    CHECK(result.out.empty());
    CHECK_HAS(result.err, "--transport (command line) says inproc, but rankwire launch");
  }
  const auto variable =
      support::run({launch(2, {PRODUCT}), {{"RANKWIRE_TRANSPORT", "inproc"}}});  // launch overrules
  CHECK_CODE(variable, 0);
  CHECK(variable.out == golden(2));
}

TEST_CASE("launch: an endpoint of the program's is refused by all ranks, none waits for others") {
  const Folder folder;
  const std::string config = folder / "master.toml";
  std::ofstream{config} << "listen = 'tcp://127.0.0.1:1'\n";
  for (const Arguments& said :
       {Arguments{"--listen", "tcp://127.0.0.1:1"}, Arguments{"--config", config}}) {
    const auto result = run(launch(2, Arguments{PRODUCT} + said, {"--grace", "1h"}));
    CHECK_CODE(result, 2);
    CHECK_HAS(result.err, "rankwire launch gives its ranks their endpoints; leave --listen out");
  }
}

TEST_CASE("launch: a program that cannot be started, and what to try") {
  const Folder folder;
  const auto refused = [&](const std::string& program, const std::string& words) {
    const auto result = run({"sh", "-c", "cd \"$1\" && exec \"$0\" launch -n 2 -- \"$2\"", LAUNCHER,
                             folder.path(), program});
    CHECK_CODE(result, 2);
    CHECK_HAS(result.err, "cannot start the program '" + program + "': " + words);
  };
  std::filesystem::copy_file("/bin/true", folder / "a-program");
  std::ofstream{folder / "plain"} << "text\n";
  std::ofstream{folder / "script"} << "#!/no/such/interpreter\n";
  std::filesystem::permissions(folder / "script", std::filesystem::perms::owner_all);
  const std::string missing = "No such file or directory";
  refused("a-program", missing + "; a name without / is searched in PATH; say ./a-program for");
  refused("b-program", missing + "; a name without / is searched in PATH; say the path of");
  refused("./b-program", missing + "\n");
  refused("plain", missing + "; the file ./plain is not executable: try chmod +x ./plain\n");
  refused("./plain", "Permission denied; the file ./plain is not executable: try chmod +x");
  refused("./script", missing + "; the file is there, but not the interpreter that it names");
  refused(folder.path(), "Permission denied\n");
}

TEST_CASE("launch: wrong usage") {
  const auto refused = [](const Arguments& arguments, const std::string& word) {
    const auto result = run(Arguments{LAUNCHER} + arguments);
    CHECK_CODE(result, 2);
    CHECK(result.out.empty());
    CHECK_HAS(result.err, word);
  };
  refused({}, "subcommand");
  refused({"launch", "-n", "4"}, "no program");
  refused({"launch", "-n", "0", "--", "true"}, "--ranks");
  refused({"launch", "-n", "2", "-n", "3", "--", "true"}, "--ranks: it is given 2 times; leave");
  refused({"launch", "-n", "--", "true"}, "--ranks: its value is missing; say --ranks N");
  refused({"launch", "-n", "2", "--", "/no/such/program"}, "/no/such/program");
  refused({"launch", "--grace", "5", "--", "true"}, "5s");
  refused({"launch", "--prot", "5", "--", "true"}, "did you mean --port?");
  refused({"launch", "--over", "udp", "--", "true"}, "--over");
  refused({"launch", "--over", "ipc", "--port", "5", "--", "true"}, "--over tcp");
  refused({"launch", "--over", "", "--", "true"}, "'' is not accepted: tcp and ipc are");
  refused({"launch", "--port", "65536", "--", "true"}, "'65536' is not accepted");
  refused({"launch", "-n", "1001", "--", "true"}, "1 to 1000");
  // Without --.
  refused({"launch", "-n", "2", PRODUCT}, std::string{"rankwire launch -n 2 -- "} + PRODUCT);
  refused({"launch", "-n", "2", PRODUCT, "--format", "json"}, "stands after --");
  refused({"launch", "-n", "2", "--over", "ipc", "product", "-n", "3", "--grace", "x"},
          "the program stands after --: rankwire launch -n 2 --over ipc -- product -n 3 --grace x");
  // Habits of mpiexec and of other options.
  refused({"launch", "-np", "4", "--", "true"}, "mpiexec's -np N is -n N here");
  refused({"launch", "-np", "4", PRODUCT}, "mpiexec's -np N is -n N here");
  refused({"launch", "--np", "4", "--", "true"}, "unknown argument --np; did you mean -n?");
  refused({"launch", "-n=3", "--", "true"}, "; say -n 3");
  // Where more is said about it.
  refused({"launch", "--grace", "5", "--", "true"}, "; see rankwire launch --help\n");
  refused({"keygen"}, "; see rankwire keygen --help\n");
  refused({"keygen", "k", "more"}, "; see rankwire keygen --help\n");
  refused({"--nothing"}, "; see rankwire --help\n");
  refused({"lunch", "-n", "4", "--", "true"}, "did you mean launch?");
  CHECK_CODE(run({LAUNCHER, "--version"}), 0);
  CHECK_HAS(run({LAUNCHER, "launch", "--help"}).out, "--tag-output");
  CHECK_FALSE(has(run({LAUNCHER, "launch", "--help"}).out, "INT:"));
}
