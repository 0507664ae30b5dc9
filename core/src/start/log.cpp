#include "rankwire/backend/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>

#include <memory>

namespace rankwire {

spdlog::logger& log() {
  static const auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("rankwire",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("rankwire: %l: %v");
    return made;
  }();
  return *logger;
}

}  // namespace rankwire
