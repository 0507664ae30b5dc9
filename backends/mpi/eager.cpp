#include "eager.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "error.hpp"

namespace rankwire::mpi {
namespace {

constexpr int probe_tag = 1, word_tag = 2;
/// What is sent at once is done at the first look, unless MPI is short of something.
constexpr int looks = 100;
/// So many times it may be short.
constexpr int attempts = 3;

/// Open MPI's limits count its own headers, which are smaller than this.
constexpr std::size_t headers_bytes = 96;

using Memory = std::unique_ptr<std::byte[]>;

/// Whether MPI has sent so many bytes before the receiver asked for them.
bool is_at_once(MPI_Comm comm, const Memory& memory, std::uint64_t bytes) {
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Isend(memory.get(), static_cast<int>(bytes), MPI_BYTE, 1, probe_tag, comm, &request),
        "MPI_Isend");
  int done = 0;
  for (int look = 0; done == 0 && look < looks; ++look) {
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
  }
  // Only now the receiver asks. Its answer says that nothing is under way any more.
  check(MPI_Send(&bytes, 1, MPI_UINT64_T, 1, word_tag, comm), "MPI_Send");
  check(MPI_Recv(&bytes, 1, MPI_UINT64_T, 1, word_tag, comm, MPI_STATUS_IGNORE), "MPI_Recv");
  check(MPI_Wait(&request, MPI_STATUS_IGNORE), "MPI_Wait");
  return done != 0;
}

std::uint64_t search(MPI_Comm comm, const Memory& memory) {
  const auto fits = [&](std::uint64_t bytes) {
    for (int attempt = 0; attempt < attempts; ++attempt) {
      if (is_at_once(comm, memory, bytes)) return true;
    }
    return false;
  };
  (void)is_at_once(comm, memory, 1);  // which makes the connection
  std::uint64_t fit = 256, too_much = eager_bytes_max;
  if (fits(too_much)) return too_much;
  while (too_much - fit > fit / 64) {
    const std::uint64_t middle = (fit + too_much) / 2;
    (fits(middle) ? fit : too_much) = middle;
  }
  return fit;
}

void answer(MPI_Comm comm, const Memory& memory) {
  for (;;) {
    std::uint64_t bytes = 0;
    check(MPI_Recv(&bytes, 1, MPI_UINT64_T, 0, word_tag, comm, MPI_STATUS_IGNORE), "MPI_Recv");
    if (bytes == 0) return;
    check(MPI_Recv(memory.get(), static_cast<int>(bytes), MPI_BYTE, 0, probe_tag, comm,
                   MPI_STATUS_IGNORE),
          "MPI_Recv");
    check(MPI_Send(&bytes, 1, MPI_UINT64_T, 0, word_tag, comm), "MPI_Send");
  }
}

}  // namespace

std::optional<std::size_t> ask_eager(const char* transport) {
  using Find = int (*)(const char*, const char*, const char*, const char*);
  using Get = int (*)(int, const void*, void*, const char**);
  const auto find = reinterpret_cast<Find>(dlsym(RTLD_DEFAULT, "mca_base_var_find"));
  const auto get = reinterpret_cast<Get>(dlsym(RTLD_DEFAULT, "mca_base_var_get_value"));
  if (find == nullptr || get == nullptr) return std::nullopt;
  const int variable = find("opal", "btl", transport, "eager_limit");
  const std::size_t* limit = nullptr;
  if (variable < 0 || get(variable, static_cast<const void*>(&limit), nullptr, nullptr) != 0 ||
      limit == nullptr || *limit < 4 * headers_bytes) {
    return std::nullopt;
  }
  return std::min(*limit, eager_bytes_max) - headers_bytes;
}

std::size_t measure_eager(MPI_Comm comm) {
  int rank = 0, size = 0;
  check(MPI_Comm_rank(comm, &rank), "MPI_Comm_rank");
  check(MPI_Comm_size(comm, &size), "MPI_Comm_size");
  if (rank > 1 || size < 2) return eager_bytes_max;
  const auto memory = std::make_unique<std::byte[]>(eager_bytes_max);
  if (rank == 1) {
    answer(comm, memory);
    return eager_bytes_max;
  }
  const std::uint64_t found = search(comm, memory);
  constexpr std::uint64_t end = 0;
  check(MPI_Send(&end, 1, MPI_UINT64_T, 1, word_tag, comm), "MPI_Send");
  return found;
}

}  // namespace rankwire::mpi
