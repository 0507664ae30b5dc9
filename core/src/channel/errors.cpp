#include "rankwire/errors.hpp"

#include <fmt/format.h>

namespace rankwire {

int exit_status(int code) noexcept {
  const int kept = static_cast<int>(static_cast<unsigned>(code) & 0xffU);
  return kept == 0 && code != 0 ? static_cast<int>(ExitCode::failure) : kept;
}

int exit_code_of(const std::exception& error) noexcept {
  const auto* const ours = dynamic_cast<const Error*>(&error);
  const int code = ours == nullptr ? 0 : exit_status(ours->exit_code());
  return code == 0 ? static_cast<int>(ExitCode::failure) : code;
}

std::string name_of(int rank, const std::string& host, int pid) {
  if (host.empty()) return fmt::format("rank {}", rank);
  if (pid == 0) return fmt::format("rank {} ({})", rank, host);
  return fmt::format("rank {} ({}, pid {})", rank, host, pid);
}

void throw_departure(const Departure& departure, const std::string& doing) {
  const bool lost = departure.kind == Departure::Kind::lost;
  const std::string what =
      fmt::format("{} {} while {}: {}", name_of(departure.rank, departure.host, departure.pid),
                  lost ? "was lost" : "left", doing, departure.reason);
  if (lost) throw PeerLost{what, departure};
  throw PeerLeft{what, departure};
}

}  // namespace rankwire
