#pragma once

#include <optional>
#include <string>

#include "command_line.hpp"
#include "port.hpp"
#include "private_folder.hpp"

namespace launcher {

/// The endpoint at which the ranks of one world meet. It is kept free for them until the end.
class Meeting {
 public:
  /// Throws rankwire::Error if there is no such endpoint.
  explicit Meeting(const Options& options) {
    if (options.over == "ipc") {
      endpoint_ = "ipc://" + folder_.emplace().path() + "/master";
    } else {
      endpoint_ = "tcp://127.0.0.1:" + std::to_string(port_.emplace(options.port).number());
    }
  }

  /// The value for the master's --listen and the workers' --join.
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }

 private:
  std::optional<ReservedPort> port_;
  std::optional<PrivateFolder> folder_;
  std::string endpoint_;
};

}  // namespace launcher
