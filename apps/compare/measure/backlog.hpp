#pragma once

#include <chrono>
#include <rankwire/channel.hpp>
#include <vector>

// Messages that rank 0 does not want yet: those that wait behind it while it talks of other things,
// and those that pour in while it asks for something else.

namespace comparison {

/// Rank 1 and rank 0 itself each have sent rank 0 `count` small messages of many tags. Called on
/// both ranks; what rank 1 sends after it comes behind them.
void send_backlog(rankwire::Channel& world, int count);
/// Rank 0 takes them.
void take_backlog(rankwire::Channel& world, int count);

/// How long a call may wait that is timed while messages pour in.
inline constexpr std::chrono::milliseconds call_deadline{10};

/// Rank 1's side: sends `count` small messages, one after the other. Where `full_window`, it then
/// takes what rank 0 has filled the window with.
void pour(rankwire::Channel& world, int count, bool full_window);
/// Rank 0's side: seconds of each receive with that deadline, until all of them have come; they are
/// taken at the end. Where `full_window`, of sends for which there is no room.
[[nodiscard]] std::vector<double> call_while_it_pours(rankwire::Channel& world, int count,
                                                      bool full_window);

}  // namespace comparison
