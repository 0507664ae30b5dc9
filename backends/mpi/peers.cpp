#include "peers.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "error.hpp"
#include "rankwire/backend/host.hpp"

namespace rankwire::mpi {
namespace {

/// At most this many processes are watched: each costs the program a file descriptor.
constexpr std::size_t watched_max = 256;

/// PeerFacts as they travel. Texts are cut to what fits, and end with a zero.
struct Record {
  std::array<char, 256> host{};
  std::array<char, 96> kernel{};
  std::int64_t pid = 0;
  std::int64_t bells = -1;
  std::int64_t survives = 0;
};

template <std::size_t N>
void put(std::array<char, N>& into, const std::string& text) {
  std::memcpy(into.data(), text.data(), std::min(text.size(), N - 1));
}

}  // namespace

PeerFacts PeerFacts::own() {
  PeerFacts facts{host_name(), process_id(), {}, -1};
  // Set by `mpiexec --enable-recovery`. Without it the death of a rank ends the job.
  const char* const recovery = std::getenv("OMPI_MCA_orte_enable_recovery");
  facts.survives = recovery != nullptr && std::string_view{recovery} != "0";
  std::ifstream file{"/proc/sys/kernel/random/boot_id"};
  std::string boot;
  std::error_code error;
  const auto pids = std::filesystem::read_symlink("/proc/self/ns/pid", error);
  if (std::getline(file, boot) && !error) facts.kernel = boot + " " + pids.string();
  return facts;
}

std::vector<PeerFacts> exchange_facts(MPI_Comm comm, const PeerFacts& own) {
  int size = 1;
  check(MPI_Comm_size(comm, &size), "MPI_Comm_size");
  Record mine;
  put(mine.host, own.host);
  put(mine.kernel, own.kernel);
  mine.pid = own.pid;
  mine.bells = own.bells;
  mine.survives = own.survives ? 1 : 0;
  std::vector<Record> all(static_cast<std::size_t>(size));
  constexpr int bytes = sizeof(Record);
  check(MPI_Allgather(&mine, bytes, MPI_BYTE, all.data(), bytes, MPI_BYTE, comm), "MPI_Allgather");
  std::vector<PeerFacts> facts;
  facts.reserve(all.size());
  for (const auto& record : all) {
    facts.push_back({record.host.data(), static_cast<int>(record.pid), record.kernel.data(),
                     static_cast<int>(record.bells), record.survives != 0});
  }
  return facts;
}

ProcessWatch::ProcessWatch(const std::vector<PeerFacts>& facts, int self) {
  const auto& own = facts[static_cast<std::size_t>(self)];
  for (int rank = 0; rank < static_cast<int>(facts.size()); ++rank) {
    const auto& peer = facts[static_cast<std::size_t>(rank)];
    if (rank == self || own.kernel.empty() || peer.kernel != own.kernel) continue;
    if (files_.size() == watched_max) break;
    // All ranks have just spoken, so the id cannot belong to another process yet. The C library has
    // no function for this system call; old kernels and some containers refuse it.
    const auto file = syscall(SYS_pidfd_open, peer.pid, 0);
    if (file < 0) continue;
    files_.push_back({static_cast<int>(file), POLLIN, 0});
    ranks_.push_back(rank);
  }
  complete_ = files_.size() + 1 == facts.size();
}

ProcessWatch::~ProcessWatch() {
  for (const auto& file : files_) ::close(file.fd);
}

const std::vector<int>& ProcessWatch::ended() {
  if (files_.empty()) return ended_;
  const auto now = Deadline::Clock::now();
  if (now < next_look_) return ended_;
  next_look_ = now + std::chrono::milliseconds{100};
  return ended_now();
}

const std::vector<int>& ProcessWatch::ended_now() {
  if (files_.empty() || poll(files_.data(), files_.size(), 0) <= 0) return ended_;
  for (std::size_t i = files_.size(); i-- > 0;) {
    if ((files_[i].revents & POLLIN) == 0) continue;
    ended_.push_back(ranks_[i]);
    ::close(files_[i].fd);
    files_.erase(files_.begin() + static_cast<std::ptrdiff_t>(i));
    ranks_.erase(ranks_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return ended_;
}

}  // namespace rankwire::mpi
