#include "rankwire/run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "rankwire/backend/interrupt.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/memory.hpp"
#include "rankwire/output.hpp"
#include "rankwire/world.hpp"
#include "start/configuration.hpp"
#include "start/ranks.hpp"

namespace rankwire {
namespace {

Start start_of(int argc, char** argv, std::span<const Backend> backends) {
  Start start = start_here(backends);
  for (int i = 0; i < argc; ++i) start.arguments.emplace_back(argv[i]);
  if (start.arguments.empty()) start.arguments.emplace_back("program");
  return start;
}

/// Only rank 0 warns, so that a world does it once.
void warn_of_ignored(const std::vector<std::string>& variables, const Channel& channel) {
  if (variables.empty() || channel.rank() != 0) return;
  log().warn("{} in the environment: no option of this program, without effect",
             fmt::join(variables, ", "));
}

/// Under mpiexec or srun, whoever says --transport inproc may mean one world of all processes, and
/// gets as many worlds. Nothing is refused: studies start one program with many parameters so.
void warn_of_many_worlds(const Channel& channel) {
  const auto launcher = launcher_world();
  if (!launcher || launcher->size < 2 || channel.info().transport != "inproc") return;
  log().warn(
      "each of the {} processes that the launcher started ({}) has a world of its own; "
      "leave --transport out for one world of {}",
      launcher->size, launcher->variable, launcher->size);
}

int run_world(const Configuration& configuration, std::span<const Backend> backends,
              const RankFunction& function, const ProcessChanges& changes) {
  Settings settings = configuration.settings;
  if (!changes.log_level) settings.log_level.clear();
  if (changes.signals) catch_interrupts();
  if (changes.memory) keep_freed_memory();
  auto channels = open(settings, backends).release();
  warn_of_ignored(configuration.ignored_variables, *channels.front());
  warn_of_many_worlds(*channels.front());
  const bool launched = backend_named(settings.transport, backends).launcher_ends_world;
  return run_ranks(std::move(channels), function, settings.linger,
                   {.launcher_ends_world = launched, .guards_exit = changes.exit && !launched});
}

int run_or_throw(int argc, char** argv, std::span<const Backend> backends,
                 const RankFunction& function, const Program& program) {
  if (program.changes.descriptors) keep_standard_descriptors();
  // From here on a closed pipe is an error of the write, with a line and an exit code, not a silent
  // death.
  if (program.changes.signals) make_signals_usual();
  const auto outcome = read_configuration(start_of(argc, argv, backends), program);
  int code = static_cast<int>(ExitCode::ok);
  if (const auto* const answer = std::get_if<Answer>(&outcome)) {
    std::fputs(answer->text.c_str(), stdout);
  } else {
    code = run_world(std::get<Configuration>(outcome), backends, function, program.changes);
  }
  if (code == 0) {
    finish_output();
  } else {
    (void)flush_output();
  }
  return code;
}

}  // namespace

int run(int argc, char** argv, std::span<const Backend> backends, const RankFunction& function,
        const Program& program) {
  try {
    return run_or_throw(argc, argv, backends, function, program);
  } catch (const std::exception& error) {
    say(error.what());
    return exit_code_of(error);
  }
}

}  // namespace rankwire
