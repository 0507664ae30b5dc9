#include "measure/stage.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "measure/backlog.hpp"

namespace comparison {
namespace {

std::string transport_of(const rankwire::Info& info, bool one_host) {
  if (info.transport == "inproc" || !one_host) return info.transport;
  if (info.transport == "zmq") {
    return info.peers.at(0).endpoint.starts_with("ipc:") ? "zmq-ipc" : "zmq-tcp";
  }
  // mpiexec hands on what it was told of Open MPI's byte transfer layers.
  const char* const layers = std::getenv("OMPI_MCA_btl");
  const std::string_view said = layers == nullptr ? "" : layers;
  const bool only_tcp = said.find("tcp") != std::string_view::npos &&
                        said.find("vader") == std::string_view::npos &&
                        said.find("sm") == std::string_view::npos;
  return only_tcp ? "mpi-tcp" : "mpi-shm";
}

/// "tcp://HOST:PORT" to HOST, in brackets where it has them.
std::string host_in(const std::string& endpoint) {
  const std::size_t begin = endpoint.find("://");
  if (begin == std::string::npos) return {};
  const std::string rest = endpoint.substr(begin + 3);
  return rest.substr(0, rest.rfind(':'));
}

}  // namespace

Place place_of(const rankwire::Channel& world) {
  const auto info = world.info();
  const auto& master = info.peers.at(0);
  Place place;
  place.one_host = std::all_of(info.peers.begin(), info.peers.end(),
                               [&](const auto& peer) { return peer.host == master.host; });
  place.transport = transport_of(info, place.one_host);
  place.encrypted = info.encrypted;
  place.master_host = place.one_host ? "127.0.0.1" : host_in(master.endpoint);
  if (place.master_host.empty()) place.master_host = master.host;
  return place;
}

Stage::Stage(rankwire::Channel& world)
    : world_{world}, place_{place_of(world)}, ways_{open_ways(world, place_)} {}

template <class Lead>
Played Stage::lead(const Task& task, Lead&& lead) {
  for (int rank = 1; rank <= task.workers; ++rank) {
    rankwire::send(world_, rank, task_tag, task);
  }
  Played played;
  const Resources before = resources_so_far(world_);
  played.samples = lead();
  played.own = resources_so_far(world_) - before;
  for (int rank = 1; rank <= task.workers; ++rank) {
    played.others.push_back(rankwire::recv<Resources>(world_, rank, report_tag));
  }
  return played;
}

Played Stage::play(WayId way, const Bounce& round) {
  const Task task{.kind = Task::Kind::bounce, .way = way, .bytes = round.bytes};
  return lead(task, [&] { return this->way(way)->lead(round); });
}

Played Stage::play(WayId way, const Flood& flood) {
  const Task task{.kind = Task::Kind::flood,
                  .way = way,
                  .bytes = flood.bytes,
                  .count = flood.count,
                  .workers = flood.workers};
  return lead(task, [&] { return this->way(way)->lead(flood); });
}

Played Stage::play(WayId way, const Burst& burst) {
  const Task task{.kind = Task::Kind::burst,
                  .way = way,
                  .bytes = burst.bytes,
                  .count = burst.count,
                  .seconds = burst.computing.count()};
  return lead(task, [&] { return this->way(way)->lead(burst); });
}

Played Stage::play_silence(std::chrono::duration<double> time) {
  const Task task{
      .kind = Task::Kind::silence, .workers = world_.size() - 1, .seconds = time.count()};
  return lead(task, [&] {
    be_silent(time.count());
    return std::vector<double>{};
  });
}

Played Stage::play_backlog(int count) {
  return lead({.kind = Task::Kind::backlog, .count = count}, [&] {
    send_backlog(world_, count);
    return std::vector<double>{};
  });
}

Played Stage::play_pour(int count, bool full_window) {
  return lead({.kind = Task::Kind::pour, .count = count, .full_window = full_window},
              [&] { return call_while_it_pours(world_, count, full_window); });
}

void Stage::end() {
  const Task task{.kind = Task::Kind::over};
  for (int rank = 1; rank < world_.size(); ++rank) rankwire::send(world_, rank, task_tag, task);
}

/// A receive of a message that never comes.
void Stage::be_silent(double seconds) {
  const std::chrono::duration<double> time{seconds};
  if (world_.recv(rankwire::any_source, silence_tag, time)) {
    throw rankwire::Error{"a message came that nobody sent"};
  }
}

std::uint64_t Stage::take_part(const Task& task) {
  if (task.kind == Task::Kind::bounce) return way(task.way)->follow(Bounce{.bytes = task.bytes});
  if (task.kind == Task::Kind::flood) {
    return way(task.way)->follow(
        Flood{.bytes = task.bytes, .count = task.count, .workers = task.workers});
  }
  if (task.kind == Task::Kind::burst) {
    return way(task.way)->follow(Burst{.bytes = task.bytes,
                                       .count = task.count,
                                       .computing = std::chrono::duration<double>{task.seconds}});
  }
  if (task.kind == Task::Kind::backlog) {
    send_backlog(world_, task.count);
  } else if (task.kind == Task::Kind::pour) {
    pour(world_, task.count, task.full_window);
  } else {
    be_silent(task.seconds);
  }
  return 0;
}

void Stage::follow() {
  while (true) {
    const auto task = rankwire::recv<Task>(world_, 0, task_tag);
    if (task.kind == Task::Kind::over) return;
    const Resources before = resources_so_far(world_);
    const std::uint64_t messages = take_part(task);
    Resources spent = resources_so_far(world_) - before;
    spent.messages = messages;
    rankwire::send(world_, 0, report_tag, spent);
  }
}

}  // namespace comparison
