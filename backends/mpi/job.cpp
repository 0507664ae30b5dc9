#include "job.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "error.hpp"
#include "note.hpp"
#include "progress.hpp"
#include "rankwire/backend/backend.hpp"
#include "reach_of.hpp"

namespace rankwire::mpi {
namespace {

/// Checks what can be known before MPI_Init. That call takes time and, in a wrong world, may hang.
void check_before_init(const Settings& settings) {
  if (!settings.ranks) return;
  const auto launcher = launcher_world();
  if (launcher && launcher->size > 0 && launcher->size != *settings.ranks) {
    throw UsageError{fmt::format(
        "-n {} was asked for, but the launcher started {} ranks ({}); leave -n away, or start with "
        "mpiexec -n {}",
        *settings.ranks, launcher->size, launcher->variable, *settings.ranks)};
  }
  if (!launcher && *settings.ranks > 1) {
    throw UsageError{fmt::format(
        "{} ranks over MPI need a launcher: start with mpiexec -n {} PROGRAM, or choose "
        "another --transport",
        *settings.ranks, *settings.ranks)};
  }
}

void check_size(int size, const Settings& settings) {
  const auto launcher = launcher_world();
  if (size == 1 && launcher && launcher->size > 1) {
    throw UsageError{fmt::format(
        "MPI reports a world of 1 rank, but {} says {}: the launcher probably belongs to another "
        "MPI than the one this program was built with ({}); use that one's mpiexec",
        launcher->variable, launcher->size, Job::library())};
  }
  if (settings.ranks && *settings.ranks != size) {
    throw UsageError{fmt::format(
        "-n {} was asked for, but MPI's world has {} ranks; leave -n away, or start with "
        "mpiexec -n {}",
        *settings.ranks, size, *settings.ranks)};
  }
}

void check_tags(MPI_Comm comm) {
  int* bound = nullptr;
  int found = 0;
  check(MPI_Comm_get_attr(comm, MPI_TAG_UB, static_cast<void*>(&bound), &found),
        "MPI_Comm_get_attr");
  if (found != 0 && *bound < note_tag + tag_max) {
    throw TransportError{fmt::format("this MPI allows tags up to {}, rankwire needs {}: {}", *bound,
                                     note_tag + tag_max, Job::library())};
  }
}

pid_t initialized_in = 0;  // the process in which we started MPI; 0: the program did

}  // namespace

Job* Job::instance_ = nullptr;

Job& Job::enter(const Settings& settings) {
  check_before_init(settings);
  if (instance_ == nullptr) {
    instance_ = start(settings);
  } else {
    if (instance_->end_thread_) std::exchange(instance_->end_thread_, nullptr)();
    check_size(instance_->size(), settings);
  }
  if (const auto& ended = instance_->watch_.ended_now(); !ended.empty()) {
    throw TransportError{
        fmt::format("rank {}: cannot open a world: the process of rank {} has ended, and MPI's "
                    "worlds are fixed",
                    instance_->rank_, ended.front())};
  }
  if (instance_->lost_) {
    throw TransportError{
        fmt::format("rank {}: cannot open a world: rank {} was lost, and MPI's worlds are fixed",
                    instance_->rank_, *instance_->lost_)};
  }
  return *instance_;
}

Job* Job::start(const Settings& settings) {
  int initialized = 0;
  MPI_Initialized(&initialized);
  if (initialized == 0) {
    // SERIALIZED, since clause 9 lets threads take turns. MULTIPLE would double the latency.
    int provided = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread");
    initialized_in = getpid();
    std::atexit(finalize_at_exit);
  }
  look_once_a_call();
  int rank = 0;
  int size = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  check_size(size, settings);
  MPI_Comm comm = MPI_COMM_NULL;
  check(MPI_Comm_dup(MPI_COMM_WORLD, &comm), "MPI_Comm_dup");
  // Errors on our own communicator, and on those made from it, come back as codes. The program's
  // MPI_COMM_WORLD stays as it is.
  check(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_tags(comm);
  auto bells = std::make_unique<Bells>(size);
  auto own = PeerFacts::own();
  own.bells = bells->file();
  auto* const job = new Job{comm, rank, exchange_facts(comm, own), std::move(bells)};
  MPI_Comm host = MPI_COMM_NULL;
  check(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host),
        "MPI_Comm_split_type");
  job->reach_ = reach_of(comm, host);
  job->crowd_ = crowd_of(host);
  check(MPI_Comm_free(&host), "MPI_Comm_free");
  job->crowd_.woken = job->bells_->all_ring();  // all of this host have joined by now
  return job;
}

/// MPI_Finalize is collective: it waits for every rank of the job. So it comes last of all, when
/// this process has nothing else to do (a channel's end would be too early: a program may open
/// another), and only where the others can be expected to come there as well:
///  - not after an uncaught exception: std::terminate runs no exit handlers, and run() ends the job
///    through MPI_Abort;
///  - not with a channel open: the program left through exit() in the middle of things;
///  - not in a process that a rank has forked, which is no part of the job;
///  - not when a rank's process has ended, or a rank was silent for too long: it would wait for
///  them for ever. mpiexec then says
///    that this process did not finalize, which is true.
/// Ranks that merely go on for longer are waited for.
void Job::finalize_at_exit() {
  if (getpid() != initialized_in || finalized()) return;
  if (instance_ != nullptr) {
    if (instance_->channels_open_ > 0 || instance_->lost_) return;
    if (!instance_->watch_.ended_now().empty()) return;
  }
  MPI_Finalize();
}

bool Job::survives_deaths() const {
  return std::all_of(peers_.begin(), peers_.end(), [](const auto& peer) { return peer.survives; });
}

bool Job::allows_thread() const {
  int level = MPI_THREAD_SINGLE;
  MPI_Query_thread(&level);
  return initialized_in != 0 && level >= MPI_THREAD_SERIALIZED && channels_open_ == 0;
}

bool Job::finalized() {
  int yes = 0;
  MPI_Finalized(&yes);
  return yes != 0;
}

std::string Job::library() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  if (MPI_Get_library_version(text.data(), &length) != MPI_SUCCESS) return "MPI";
  const std::string_view words{text.data()};
  return std::string{words.substr(0, words.find('\n'))};
}

}  // namespace rankwire::mpi
