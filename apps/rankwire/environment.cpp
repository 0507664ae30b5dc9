#include "environment.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace launcher {

std::vector<std::string> environment_of(int rank, const Options& options,
                                        const std::string& meeting, const std::string& job) {
  std::vector<std::string> own{"RANKWIRE_TRANSPORT=zmq", "RANKWIRE_JOB=" + job,
                               fmt::format("RANKWIRE_RANKS={}", options.ranks),
                               fmt::format("RANKWIRE_LAUNCH_SIZE={}", options.ranks)};
  if (rank == 0) {
    own.push_back("RANKWIRE_LISTEN=" + meeting);
  } else {
    own.push_back("RANKWIRE_JOIN=" + meeting);
    own.push_back(fmt::format("RANKWIRE_RANK={}", rank));
  }
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    constexpr std::array said_anew{"RANKWIRE_TRANSPORT",   "RANKWIRE_JOB",    "RANKWIRE_RANKS",
                                   "RANKWIRE_LAUNCH_SIZE", "RANKWIRE_LISTEN", "RANKWIRE_JOIN",
                                   "RANKWIRE_RANK"};
    // These are for one process or one role on a network. The ranks here share one machine.
    constexpr std::array left_out{"RANKWIRE_KEY",        "RANKWIRE_ALLOW",
                                  "RANKWIRE_SERVER_KEY", "RANKWIRE_ADDRESS_FILE",
                                  "RANKWIRE_ADVERTISE",  "RANKWIRE_PORT_RANGE"};
    if (std::find(said_anew.begin(), said_anew.end(), name) == said_anew.end() &&
        std::find(left_out.begin(), left_out.end(), name) == left_out.end()) {
      own.emplace_back(text);
    }
  }
  return own;
}

}  // namespace launcher
