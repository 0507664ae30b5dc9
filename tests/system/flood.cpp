#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstring>
#include <fstream>
#include <rankwire/rankwire.hpp>
#include <thread>

// One rank sends much more than the window holds to another that sleeps now and then. Both count
// the bytes, sum them up, and say in a line how much memory their process has had at most.

namespace {

using namespace std::chrono_literals;

enum : int { data_tag = 1, sum_tag };

struct Options {
  int from = 1, to = 0;
  std::uint64_t bytes = std::uint64_t{100} << 20;
};

/// Of all payloads in their order: what is lost, repeated or swapped shows.
struct Sum {
  std::uint64_t messages = 0, bytes = 0, hash = 0;
  bool operator==(const Sum&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(messages, bytes, hash);
  }

  void add(std::span<const std::byte> payload) {
    for (std::size_t at = 0; at < payload.size(); at += sizeof(std::uint64_t)) {
      std::uint64_t word = 0;
      std::memcpy(&word, payload.data() + at, std::min(sizeof word, payload.size() - at));
      hash = (hash ^ word) * 0x9E3779B97F4A7C15U + (hash >> 29U);
    }
    ++messages;
    bytes += payload.size();
  }
};

/// Sizes around all that a transport may treat differently; contents that never repeat.
rankwire::Buffer message(std::uint64_t number) {
  constexpr std::array<std::size_t, 8> sizes{
      17, std::size_t{1} << 20, 4096, 100'001, 700'000, 32'768, 32'769, 3'333'333};
  rankwire::Buffer payload{sizes[number % sizes.size()]};
  std::uint64_t state = number + 1;
  for (std::size_t at = 0; at < payload.size(); at += sizeof state) {
    state ^= state << 13U;
    state ^= state >> 7U;
    state ^= state << 17U;
    std::memcpy(payload.data() + at, &state, std::min(sizeof state, payload.size() - at));
  }
  return payload;
}

std::uint64_t peak_kib() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6));
  }
  throw std::runtime_error{"/proc/self/status has no VmHWM"};
}

void report(const rankwire::Channel& world, const Sum& sum) {
  fmt::print("rank {}: {} messages, {} bytes, sum {:016x}, peak {} KiB, window {} KiB\n",
             world.rank(), sum.messages, sum.bytes, sum.hash, peak_kib(),
             world.info().window_bytes >> 10U);
}

void produce(rankwire::Channel& world, const Options& options) {
  Sum sum;
  while (sum.bytes < options.bytes) {
    auto payload = message(sum.messages);
    sum.add(payload.bytes());
    world.send(options.to, data_tag, std::move(payload));
  }
  rankwire::send(world, options.to, sum_tag, sum);
  report(world, sum);
}

void consume(rankwire::Channel& world, const Options& options) {
  constexpr std::uint64_t sleeps = 4;
  Sum sum;
  for (std::uint64_t slept = 0; sum.bytes < options.bytes;) {
    if (sum.bytes >= options.bytes / sleeps * slept) {
      ++slept;
      std::this_thread::sleep_for(500ms);  // the sender runs into its window
    }
    sum.add(world.recv(options.from, data_tag)->payload.bytes());
  }
  if (rankwire::recv<Sum>(world, options.from, sum_tag) != sum) {
    throw std::runtime_error{"other bytes arrived than were sent"};
  }
  report(world, sum);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const rankwire::Program program{.description = "Sends more than the window holds.",
                                  .options = [&options](CLI::App& app) {
                                    app.add_option("--from", options.from);
                                    app.add_option("--to", options.to);
                                    app.add_option("--bytes", options.bytes);
                                  }};
  return rankwire::run(
      argc, argv,
      [&options](rankwire::Channel& world) {
        if (world.rank() == options.from) produce(world, options);
        if (world.rank() == options.to) consume(world, options);
      },
      program);
}
