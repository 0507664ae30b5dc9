#pragma once

namespace comparison {

/// Opens a world over zmq in which this process is the master of `workers` that another process
/// plays (crowd_players), and measures what they cost (measure/crowd.hpp). Throws rankwire::Error
/// where that program is not built, or does not play to the end.
void simulate_crowd(int workers);

}  // namespace comparison
