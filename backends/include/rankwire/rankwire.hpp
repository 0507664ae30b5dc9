#pragma once

// All that a program needs.

#include <concepts>
#include <type_traits>
#include <utility>

#include "rankwire/channel.hpp"
#include "rankwire/run.hpp"
#include "rankwire/typed.hpp"
#include "rankwire/world.hpp"

namespace rankwire {

/// All backends, in the order in which --help names them; one that was not built says so when it is
/// chosen.
[[nodiscard]] std::span<const Backend> backends();

/// Starts a program on the transport its user chose: `return rankwire::run(argc, argv, function);`.
/// `function` takes a Channel& and returns an exit code or nothing. See run.hpp.
template <std::invocable<Channel&> Function>
[[nodiscard]] int run(int argc, char** argv, Function&& function, const Program& program = {}) {
  if constexpr (std::is_void_v<std::invoke_result_t<Function&, Channel&>>) {
    const RankFunction returning = [&function](Channel& world) {
      function(world);
      return 0;
    };
    return run(argc, argv, backends(), returning, program);
  } else {
    return run(argc, argv, backends(), RankFunction{std::ref(function)}, program);
  }
}

/// Opens a world without run(), which see for what that does and this does not (world.hpp):
/// `rankwire::World world = rankwire::open(settings);`.
[[nodiscard]] inline World open(const Settings& settings) {
  return open(settings, backends());
}

}  // namespace rankwire
