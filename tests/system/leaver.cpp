#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <rankwire/rankwire.hpp>
#include <stdexcept>

// One rank ends in a way that is not the ordinary one, while rank 0 waits for its message.

namespace {

struct Options {
  std::string how = "return";
  int leaver = 1, code = 0;
};

int leave(const Options& options) {
  if (options.how == "exit") std::exit(options.code);
  if (options.how == "quick_exit") std::quick_exit(options.code);
  if (options.how == "pthread_exit") pthread_exit(nullptr);
  return options.code;
}

/// A child that exits is a process of its own.
void fork_one() {
  const pid_t child = fork();
  if (child == 0) std::exit(0);
  int status = 1;
  waitpid(child, &status, 0);
  if (status != 0) throw std::runtime_error{"the child failed"};
}

int run_rank(rankwire::Channel& world, const Options& options) {
  constexpr int tag = 1;
  if (world.rank() == options.leaver) {
    if (options.how == "fork") {
      fork_one();
      if (world.rank() != 0) world.send(0, tag, rankwire::Buffer{});
      return 0;
    }
    return leave(options);
  }
  if (options.how == "return") return 0;
  if (world.rank() == 0) {
    (void)world.recv(options.leaver, tag);
  } else if (options.leaver == 0) {
    (void)world.recv(0, tag);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const rankwire::Program program{.description = "A rank ends in a way of its own.",
                                  .options = [&options](CLI::App& app) {
                                    app.add_option("--how", options.how);
                                    app.add_option("--leaver", options.leaver);
                                    app.add_option("--code", options.code);
                                  }};
  return rankwire::run(
      argc, argv, [&options](rankwire::Channel& world) { return run_rank(world, options); },
      program);
}
