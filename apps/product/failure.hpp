#pragma once

#include <rankwire/rankwire.hpp>

#include "options.hpp"

namespace product {

/// Fails as told. Returns for `leave` only.
void fail(const rankwire::Channel& world, Fail::Kind kind);

}  // namespace product
