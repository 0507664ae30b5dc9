#include "configuration_reading.hpp"

using namespace rankwire;

TEST_CASE("configuration: reach and keys, from each source") {
  Reading master{{"--listen", "tcp://*:0", "-n", "3", "--address-file", "where", "--advertise",
                  "[fe80::1%eth0]", "--key", "m.key_secret", "--allow", "allowed"}};
  const Settings zero = master.settings();
  CHECK(zero.options.at("listen") == "tcp://*:0");
  CHECK(zero.options.at("address-file") == "where");
  CHECK(zero.options.at("advertise") == "[fe80::1%eth0]");
  CHECK(zero.options.at("key") == "m.key_secret");
  CHECK(zero.options.at("allow") == "allowed");
  Reading worker{
      {},
      {"RANKWIRE_JOIN=@where", "RANKWIRE_ADVERTISE=node-1.example", "RANKWIRE_PORT_RANGE=6000:6099",
       "RANKWIRE_KEY=w.key_secret", "RANKWIRE_SERVER_KEY=m.key"}};
  const Settings one = worker.settings();
  CHECK(one.transport == "zmq");
  CHECK(one.options.at("join") == "@where");
  CHECK(one.options.at("advertise") == "node-1.example");
  CHECK(one.options.at("port-range") == "6000:6099");
  CHECK(one.options.at("key") == "w.key_secret");
  CHECK(one.options.at("server-key") == "m.key");
  const File file{"join = 'tcp://eth0:1'\nport-range = '1:1'\nkey = 'w'\nserver-key = 'm'\n"};
  Reading other{{"--config", file.path, "--advertise", "::1", "--port-range", "65535:65535"}};
  CHECK(other.settings().options.at("advertise") == "::1");
  CHECK(other.settings().options.at("port-range") == "65535:65535");
  CHECK(other.settings().options.at("server-key") == "m");
}

TEST_CASE("configuration: transport") {
  const LauncherWorld four{"OMPI_COMM_WORLD_SIZE", 4};
  const auto transport = [](Reading reading) { return reading.settings().transport; };
  CHECK(transport({{"--join", "tcp://a:1"}}) == "zmq");
  CHECK(transport({.arguments = {}, .launcher = four}) == "mpi");
  CHECK(transport({.arguments = {"-n", "4"}, .launcher = four}) == "mpi");
  CHECK(transport({.arguments = {"--transport", "inproc", "-n", "3"}, .launcher = four}) ==
        "inproc");
  CHECK(transport({.arguments = {"--join", "tcp://a:1"}, .launcher = four}) == "zmq");
  // Said with more authority, --transport silences an endpoint; with less, it contradicts it.
  CHECK(transport({{"--transport", "inproc"}, {"RANKWIRE_JOIN=tcp://a:1"}}) == "inproc");
  refused({{"--join", "tcp://a:1"}, {"RANKWIRE_TRANSPORT=inproc"}},
          {"--join (command line)", "variable RANKWIRE_TRANSPORT"});
  refused({.arguments = {"-n", "3"}, .launcher = four}, {"3 ranks", "started 4", "OMPI_COMM"});
}

TEST_CASE("configuration: contradictions") {
  refused({{"--listen", "tcp://a:1"}, {"RANKWIRE_JOIN=tcp://a:1"}},
          {"--listen (command line)", "--join (variable RANKWIRE_JOIN)"});
  refused({{"--listen", "tcp://a:1"}}, {"-n N"});
  refused({{"--transport", "zmq"}}, {"--listen", "--join"});
  refused({.arguments = {"--transport", "zmq"}, .launcher = LauncherWorld{"PMI_SIZE", 4}},
          {"--listen", "or leave --transport out under mpiexec or srun"});
  refused({{"--rank", "2"}}, {"--rank", "--join"});
  refused({{"--rank", "4", "-n", "4", "--join", "tcp://a:1"}}, {"rank 4", "1 to 3"});
  refused({.arguments = {"--transport", "mpi"}, .backends = built({"inproc"})}, {"without MPI"});
  refused(
      {.arguments = {}, .backends = built({"inproc"}), .launcher = LauncherWorld{"PMI_SIZE", 4}},
      {"PMI_SIZE", "--transport inproc", "RANKWIRE_WITH_MPI"});
  refused({.arguments = {"--join", "tcp://a:1"}, .backends = built({"inproc"})},
          {"without ZeroMQ"});
}

TEST_CASE("configuration: where ranks of one host meet") {
  Reading master{{"--listen", "ipc:///tmp/s", "-n", "2"}};
  CHECK(master.settings().transport == "zmq");
  Reading worker{{"--join", "ipc:///tmp/s"}};
  CHECK(worker.settings().options.at("join") == "ipc:///tmp/s");
  // The sockets of the workers have longer paths.
  refused({{"--join", "ipc:///" + std::string(97, 'x')}}, {"has 98 bytes, and 97 are accepted"});
  refused({{"--listen", "ipc://s", "-n", "2"}}, {"--listen", "relative"});
}

TEST_CASE("configuration: contradictions of reach and keys") {
  const auto master = [](const std::vector<std::string>& more) {
    std::vector<std::string> all{"--listen", "tcp://a:1", "-n", "2"};
    all.insert(all.end(), more.begin(), more.end());
    return Reading{all};
  };
  const auto worker = [](const std::vector<std::string>& more) {
    std::vector<std::string> all{"--join", "tcp://a:1"};
    all.insert(all.end(), more.begin(), more.end());
    return Reading{all};
  };
  refused(master({"--key", "k"}), {"--key (command line)", "--allow DIR"});
  refused(master({"--allow", "d"}), {"--allow (command line)", "--key FILE", "keygen"});
  refused(master({"--key", "k", "--allow", "d", "--server-key", "m"}),
          {"--server-key (command line)", "for a worker", "--allow DIR"});
  refused(worker({"--key", "k"}), {"--key (command line)", "--server-key FILE"});
  refused(worker({"--server-key", "m"}), {"--server-key (command line)", "--key FILE", "keygen"});
  refused(worker({"--key", "k", "--server-key", "m", "--allow", "d"}),
          {"--allow (command line)", "for the master", "--server-key FILE"});
  refused(worker({"--address-file", "f"}), {"--address-file", "for the master", "--join @FILE"});
  refused(master({"--port-range", "1:2"}), {"--port-range", "for a worker", "--listen"});
  refused({{"--listen", "ipc:///tmp/s", "-n", "2", "--advertise", "a"}},
          {"--advertise (command line)", "--listen says ipc://"});
  refused({{"--join", "ipc:///tmp/s", "--port-range", "1:2"}},
          {"--port-range (command line)", "--join says ipc://"});
  refused(worker({"--key", "k", "--server-key", "m", "--insecure"}),
          {"--key (command line)", "--insecure (command line)", "leave --insecure out"});
  CHECK(worker({"--key", "k", "--server-key", "m", "--insecure=false"}).settings().ranks ==
        std::nullopt);
}

TEST_CASE("configuration: reach and keys belong to zmq") {
  refused({{"--key", "k"}}, {"--key (command line)", "--listen or --join"});
  refused({{"--address-file", "f"}}, {"--address-file (command line)", "needs --listen"});
  refused({{}, {"RANKWIRE_PORT_RANGE=1:2"}}, {"variable RANKWIRE_PORT_RANGE", "needs --join"});
  refused({.arguments = {"--advertise", "a"}, .launcher = LauncherWorld{"PMI_SIZE", 4}},
          {"--advertise (command line)", "zmq"});
  refused({{"--transport", "inproc", "--allow", "d"}},
          {"--allow (command line)", "--transport (command line)", "inproc"});
  // Said with more authority, --transport silences them.
  Reading silenced{{"--transport", "inproc"}, {"RANKWIRE_KEY=k", "RANKWIRE_ADDRESS_FILE=f"}};
  CHECK(silenced.settings().transport == "inproc");
}
