#include "measure/stage.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "measure/busy.hpp"

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
Played Stage::lead(const Turn& turn, Lead&& lead) {
  for (int rank = 1; rank <= turn.workers; ++rank) {
    rankwire::send(world_, rank, turn_tag, turn);
  }
  Played played;
  const Spent before = spent_so_far(world_);
  played.samples = lead();
  played.own = spent_so_far(world_) - before;
  for (int rank = 1; rank <= turn.workers; ++rank) {
    played.others.push_back(rankwire::recv<Spent>(world_, rank, report_tag));
  }
  return played;
}

Played Stage::play(WayId way, const Bounce& round) {
  const Turn turn{.play = Turn::Play::bounce, .way = way, .bytes = round.bytes};
  return lead(turn, [&] { return this->way(way)->lead(round); });
}

Played Stage::play(WayId way, const Flood& flood) {
  const Turn turn{.play = Turn::Play::flood,
                  .way = way,
                  .bytes = flood.bytes,
                  .count = flood.count,
                  .workers = flood.workers};
  return lead(turn, [&] { return this->way(way)->lead(flood); });
}

Played Stage::play_silence(std::chrono::duration<double> time) {
  const Turn turn{
      .play = Turn::Play::silence, .workers = world_.size() - 1, .seconds = time.count()};
  return lead(turn, [&] {
    be_silent(time.count());
    return std::vector<double>{};
  });
}

Played Stage::play_backlog(int count) {
  return lead({.play = Turn::Play::backlog, .count = count}, [&] {
    send_backlog(world_, count);
    return std::vector<double>{};
  });
}

Played Stage::play_pour(int count, bool full_window) {
  return lead({.play = Turn::Play::pour, .count = count, .full_window = full_window},
              [&] { return call_while_it_pours(world_, count, full_window); });
}

void Stage::end() {
  const Turn turn{.play = Turn::Play::over};
  for (int rank = 1; rank < world_.size(); ++rank) rankwire::send(world_, rank, turn_tag, turn);
}

/// A receive of a message that never comes.
void Stage::be_silent(double seconds) {
  const std::chrono::duration<double> time{seconds};
  if (world_.recv(rankwire::any_source, silence_tag, time)) {
    throw rankwire::Error{"a message came that nobody sent"};
  }
}

std::uint64_t Stage::take_part(const Turn& turn) {
  if (turn.play == Turn::Play::bounce) return way(turn.way)->follow(Bounce{.bytes = turn.bytes});
  if (turn.play == Turn::Play::flood) {
    return way(turn.way)->follow(
        Flood{.bytes = turn.bytes, .count = turn.count, .workers = turn.workers});
  }
  if (turn.play == Turn::Play::backlog) {
    send_backlog(world_, turn.count);
  } else if (turn.play == Turn::Play::pour) {
    pour(world_, turn.count, turn.full_window);
  } else {
    be_silent(turn.seconds);
  }
  return 0;
}

void Stage::follow() {
  while (true) {
    const auto turn = rankwire::recv<Turn>(world_, 0, turn_tag);
    if (turn.play == Turn::Play::over) return;
    const Spent before = spent_so_far(world_);
    const std::uint64_t messages = take_part(turn);
    Spent spent = spent_so_far(world_) - before;
    spent.messages = messages;
    rankwire::send(world_, 0, report_tag, spent);
  }
}

}  // namespace comparison
