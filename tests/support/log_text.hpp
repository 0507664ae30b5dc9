#pragma once

#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "rankwire/backend/log.hpp"

namespace support {

/// What the log of this process says while it lives. Quiet before and after.
class LogText {
 public:
  LogText() {
    auto& sinks = rankwire::log().sinks();
    before_ = sinks;
    sinks = {std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)};
    rankwire::log().set_level(spdlog::level::info);
  }
  ~LogText() {
    rankwire::log().sinks() = before_;
    rankwire::log().set_level(spdlog::level::off);
  }
  LogText(const LogText&) = delete;
  LogText& operator=(const LogText&) = delete;
  [[nodiscard]] std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::vector<spdlog::sink_ptr> before_;
};

}  // namespace support
