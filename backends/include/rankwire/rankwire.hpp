#pragma once

// The header that a program includes. It needs no other.

#include <concepts>
#include <type_traits>
#include <utility>

#include "rankwire/channel.hpp"
#include "rankwire/interrupt.hpp"
#include "rankwire/run.hpp"
#include "rankwire/typed.hpp"
#include "rankwire/world.hpp"

namespace rankwire {

/// All backends, in the order in which --help names them. One that was not built says so when it is
/// chosen.
[[nodiscard]] std::span<const Backend> backends();

/// Starts a program on the transport that its user has chosen: `return rankwire::run(argc, argv,
/// function);`. `function` takes a Channel& and returns an exit code or nothing. See run.hpp.
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

/// Opens a world without run(): `rankwire::World world = rankwire::open(settings);`. See world.hpp,
/// and run.hpp for what run() does and this does not.
[[nodiscard]] inline World open(const Settings& settings) {
  return open(settings, backends());
}

}  // namespace rankwire
