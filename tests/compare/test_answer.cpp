#include "report/answer.hpp"
#include "results/certainty.hpp"
#include "results/inproc_bandwidth.hpp"
#include "results/quantity.hpp"
#include "samples.hpp"

using namespace comparison;

namespace {

std::string text_of(const Answer& answer) {
  std::string text;
  for (const auto& [gist, figures, rows] : answer) {
    text += gist + " " + figures + "\n";
    for (const auto& row : rows) {
      for (std::size_t i = 0; i < row.size(); ++i) text += (i == 0 ? "  " : " | ") + row[i];
      text += "\n";
    }
  }
  return text;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Figure figure(const std::string& measure, const std::string& transport, std::uint64_t bytes,
              double value, double raw = 0) {
  const bool time = measure != "bandwidth" && measure != "rate";
  const Summary summary{value, value, value, value, 1};
  Figure made{measure, transport, time ? "s" : measure == "rate" ? "1/s" : "B/s", time, bytes, 2,
              summary, {}};
  if (raw > 0) {
    made.beside.push_back(
        {"raw", "bare", {raw, raw, raw, raw, 1}, {value / raw, value / raw, value / raw, 5}});
  }
  return made;
}

std::string words_of(const std::vector<Figure>& figures) {
  Results run;
  run.machine.cores = 2;
  run.figures = figures;
  return text_of(answer(run));
}

}  // namespace

TEST_CASE("words: the sample, sentence by sentence") {
  Results run = sample("sample.json");
  leave_out_inproc_bandwidth(run);
  CHECK(
      text_of(answer(run)) ==
      R"(Within one process: inproc. A message of 8 B takes 0.35 us one way, one of 16 MiB 2.03 us. Its memory is handed over, and no byte copied.
Between processes, small messages: use mpi over shared memory. 0.24 us one way at 8 B; the next best, mpi-tcp, 9.20 us.
Between processes, large messages: use mpi over shared memory. 5.50 GB/s of bandwidth at 16 MiB; the next best, zmq-ipc, 2.60 GB/s.
ZeroMQ instead of MPI: 12.9 us more a message. That is zmq-ipc beside the bare MPI_Send, MPI_Recv of mpi-shm, at 8 B. For it, processes can be started by hand, on any hosts, and the world goes on when a worker dies.
The transports side by side: medians of rankwire.
  transport | one way, 8 B | bandwidth, 16 MiB | in a stream, 64 B | 4 ranks, start to end
  inproc | 0.35 us | - | 5.90 M/s | 6.00 ms
  mpi-shm | 0.24 us | 5.50 GB/s | 4.10 M/s | 480 ms
  mpi-tcp | 9.20 us | 2.10 GB/s | 1.30 M/s | 465 ms
  zmq-tcp | 17.5 us | 1.90 GB/s | 4.60 M/s | 87.0 ms
  zmq-ipc | 13.1 us | 2.60 GB/s | 4.90 M/s | 73.5 ms
What rankwire costs between processes, in latency: at most 1.18x, by mpi-shm at 512 B. Times over the bare library's, below 1 rankwire is the faster:
  time of | least | most
  latency: half a round trip | 1.01x, mpi-tcp at 32 KiB | 1.18x, mpi-shm at 512 B
  large messages in a stream | 0.82x, zmq-tcp at 4 KiB | 1.02x, mpi-shm at 16 MiB
  small messages in a stream | 0.42x, zmq-tcp at 64 B | 1.15x, mpi-shm at 64 B
  small messages of all workers | 0.50x, zmq-tcp at 1 worker, 64 B | 1.11x, mpi-shm at 4 workers, 64 B
  latency of a typed record | 1.20x, mpi-shm at 60 B | 1.20x, zmq-ipc at 60 B
  waking a rank that is blocked | 1.20x, mpi-shm at 8 B | 1.20x, zmq-ipc at 8 B
  a world, from start to end | 1.05x, mpi-shm at 2 ranks | 1.05x, mpi-tcp at 4 ranks
inproc, beside two threads with a mutex and a condition variable: 0.90x at 8 B, 0.004x at 16 MiB of their latency. They copy the bytes, and sleep as soon as they wait; a rank hands memory over, and spins before it sleeps. That is what the two ways differ by, and not what a library costs.
A rank that waits for a message: 0.64 % of a core at most, by mpi-tcp.
)");
}

TEST_CASE("words: nothing is said of what was not measured") {
  CHECK(words_of({}) == "This run has no figures. \n");
  CHECK(words_of({figure("latency", "zmq-tcp", 8, 20e-6)}) ==
        "Between processes, small messages: zmq over tcp, the only transport of this run. 20.0 us "
        "one way at 8 B.\n");
  CHECK(words_of({figure("latency", "inproc", 8, 1e-6)}) ==
        "Within one process: inproc. A message of 8 B takes 1.00 us one way. Its memory is "
        "handed over, and no byte copied.\n");
  const std::string no_raw =
      words_of({figure("latency", "zmq", 8, 20e-6), figure("latency", "mpi", 8, 2e-6)});
  CHECK_FALSE(has(no_raw, "instead of MPI"));
  CHECK_FALSE(has(no_raw, "costs"));
  CHECK_FALSE(has(no_raw, "large messages"));
}

TEST_CASE("words: what differs little is called so") {
  const std::string text =
      words_of({figure("latency", "mpi-tcp", 8, 10.5e-6), figure("latency", "zmq-ipc", 8, 10e-6),
                figure("latency", "zmq-tcp", 8, 20e-6)});
  CHECK(has(text, "use zmq over ipc or mpi over TCP; they differ by less than 10 %."));
}

TEST_CASE("words: ZeroMQ may also be the faster one, and rankwire than the library") {
  const std::string text = words_of({figure("latency", "zmq-ipc", 8, 10e-6, 11e-6),
                                     figure("latency", "mpi-tcp", 8, 15e-6, 14e-6)});
  CHECK(has(text, "ZeroMQ instead of MPI: 4.00 us less a message."));
  CHECK(
      has(text,
          "What rankwire costs between processes, in latency: at most 1.07x, by mpi-tcp at 8 B."));
  CHECK(has(words_of({figure("latency", "zmq-ipc", 8, 10e-6, 11e-6)}),
            "What rankwire costs between processes, in latency: nothing."));
}

TEST_CASE("words: transports are compared at a size that they have in common") {
  const std::string text =
      words_of({figure("latency", "mpi", 1, 1e-6), figure("latency", "mpi", 8, 2e-6),
                figure("latency", "zmq", 8, 20e-6)});
  CHECK(has(text, "2.00 us one way at 8 B; the next best, zmq, 20.0 us."));
}

TEST_CASE("words: a busy machine is mentioned before anything else") {
  Results run = sample("sample.json");
  run.machine.load = 1.8;
  const std::string text = text_of(answer(run));
  CHECK(text.starts_with("The machine was busy when the run began (load 1.8 on 2 cores): "));
  CHECK_FALSE(has(text, "trust the ratios"));
  CHECK(text_of(answer(sample("sample.json"), "a", run, "b"))
            .starts_with("The machine was busy when b began (load 1.8 on 2 cores): "));
}

TEST_CASE("words: nothing is drawn from pairs that contradict each other") {
  const auto wide = [](Figure figure) {
    Ratio& ratio = figure.beside.at(0).ratio;
    ratio = {ratio.median, 1.5, 7688, 2};
    return figure;
  };
  const Figure mpi = figure("latency", "mpi-tcp", 8, 10e-6, 9e-6);
  const Figure zmq = figure("latency", "zmq-ipc", 8, 20e-6, 19e-6);
  const Figure inproc = figure("latency", "inproc", 8, 1e-6, 2e-6);
  CHECK(
      words_of(
          {wide(inproc), wide(mpi), zmq, wide(figure("latency", "mpi-tcp", 512, 1e-2, 1e-6))}) ==
      R"(Within one process: inproc. A message of 8 B takes 1.00 us one way. Its memory is handed over, and no byte copied.
Between processes, small messages: this measurement is too uncertain to say. Pairs of rankwire and the bare library contradict each other: 1.50x to 7688x, mpi-tcp at 8 B.
ZeroMQ instead of MPI: this measurement is too uncertain to say. Pairs of rankwire and the bare library contradict each other: 1.50x to 7688x, mpi-tcp at 8 B.
The transports side by side: medians of rankwire.
  transport | one way, 8 B
  inproc | 1.00 us
  mpi-tcp | 10.0 us
  zmq-ipc | 20.0 us
What rankwire costs between processes, in latency: at most 1.05x, by zmq-ipc at 8 B, of what is certain. Left out: 2 figures whose pairs contradict each other (the widest: 1.50x to 7688x, mpi-tcp at 8 B). Times over the bare library's, below 1 rankwire is the faster:
  time of | least | most
  latency: half a round trip | 1.05x, zmq-ipc at 8 B | 1.05x, zmq-ipc at 8 B
inproc, beside two threads with a mutex and a condition variable: anything from 1.50x to 7688x at 8 B of their latency. They copy the bytes, and sleep as soon as they wait; a rank hands memory over, and spins before it sleeps. That is what the two ways differ by, and not what a library costs.
)");
  CHECK(has(words_of({wide(mpi)}),
            "in latency: this measurement is too uncertain to say. Left out: a figure whose pairs "
            "contradict each other (1.50x to 7688x, mpi-tcp at 8 B). \n"));
}

TEST_CASE("words: how far pairs may lie apart") {
  auto one = figure("latency", "mpi", 8, 1e-6, 1e-6);
  one.beside[0].ratio = {1, 0.5, 2.5, 9};
  CHECK_FALSE(is_uncertain(one));
  one.beside[0].ratio.max = 2.6;
  CHECK(is_uncertain(one));
  one.beside[0].ratio.pairs = 0;
  CHECK_FALSE(is_uncertain(one));
  one.beside.clear();
  CHECK_FALSE(is_uncertain(one));
}

TEST_CASE("an earlier run's bandwidth of inproc is left out, and that is said") {
  Results run = sample("sample.json");
  const std::size_t figures = run.figures.size();
  leave_out_inproc_bandwidth(run);
  CHECK(run.figures.size() == figures - 4);
  CHECK(run.left_out.back().name == "inproc: bandwidth");
  const std::size_t left_out = run.left_out.size();
  leave_out_inproc_bandwidth(run);
  CHECK(run.left_out.size() == left_out);
}

TEST_CASE("words: what was not measured in pairs has no ratio") {
  auto unpaired = figure("rate", "zmq", 64, 1e6, 2e6);
  unpaired.beside[0].ratio = {};
  auto latency = figure("latency", "zmq", 8, 1e-5, 2e-5);
  latency.beside[0].ratio = {};
  const std::string text = words_of({unpaired, latency});
  CHECK_FALSE(has(text, "costs"));
}

TEST_CASE("words: of two runs") {
  CHECK(
      text_of(answer(sample("sample_before.json"), "before", sample("sample.json"), "after")) ==
      R"(after beside before: of 68 figures that both have, 13 are better, 4 are worse, and 51 are alike (within 10 %).
Gained most: inproc bandwidth, 4 KiB, from 1.75 GB/s to 35.0 GB/s (20.0x).
Lost most: mpi-tcp latency, 16 MiB, from 6.80 ms to 8.00 ms (1.18x).
The runs differ in more than time: rankwire: 0.3.0 and 0.4.0.
)");
  CHECK(has(text_of(answer({}, "a", {}, "b")), "of 0 figures that both have"));
}

TEST_CASE("quantities: three digits and the unit that suits") {
  CHECK(quantity_text(0.35e-6, "s") == "0.35 us");
  CHECK(quantity_text(52e-9, "s") == "52.0 ns");
  CHECK(quantity_text(0.0999999e-6, "s") == "0.10 us");
  CHECK(quantity_text(9.9999e-6, "s") == "10.0 us");
  CHECK(quantity_text(99.99e-6, "s") == "100 us");
  CHECK(quantity_text(999.9e-6, "s") == "1.00 ms");
  CHECK(quantity_text(41.2, "s") == "41.2 s");
  CHECK(quantity_text(7200, "s") == "7200 s");
  CHECK(quantity_text(0, "s") == "0 ns");
  CHECK(quantity_text(1.21e9, "B/s") == "1.21 GB/s");
  CHECK(quantity_text(512, "B/s") == "512 B/s");
  CHECK(quantity_text(3.4e6, "1/s") == "3.40 M/s");
  CHECK(quantity_text(0.5, "1/s") == "0.50 /s");
  CHECK(quantity_text(12, "W") == "12.0 W");
  CHECK(quantity_text(0.25, "1") == "0.25");
  CHECK(ratio_text(0.004) == "0.004");
  CHECK(ratio_text(1.0649) == "1.06");
  CHECK(size_text(8) == "8 B");
  CHECK(size_text(1023) == "1023 B");
  CHECK(size_text(1025) == "1025 B");
  CHECK(size_text(65536) == "64 KiB");
  CHECK(size_text(std::uint64_t{5} << 40) == "5120 GiB");
}
