#pragma once

namespace comparison {

/// The tags of the program `compare crowd`, and what its workers do: they send started_tag at
/// first. They answer each ping_tag that has true, until one has false. Then each go_tag with true
/// asks them for a batch of messages of flow_tag, until one has false.
enum : int { started_tag = 1, ping_tag, go_tag, flow_tag };

/// More at once, and what waits unread at the master would grow with the number of workers.
inline constexpr int batch_messages = 20;

/// The start of a worker for which no process was started.
inline constexpr double no_process = 1e300;

}  // namespace comparison
