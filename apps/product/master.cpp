#include "master.hpp"

#include <fmt/format.h>

#include <exception>
#include <rankwire/output.hpp>
#include <rankwire/units.hpp>

#include "print.hpp"
#include "record.hpp"

namespace product {
namespace {

/// At once: who reads a pipe sees each result when it is there, and a later failure takes none
/// back. run() checks at the end that all was written.
void write(const std::string& text) {
  rankwire::write_output(text);
}

/// Known only here: over ZeroMQ the size of the world is the master's to say.
void check_fail(const Options& options, int size) {
  if (!options.fail || options.fail->rank < size) return;
  throw rankwire::UsageError{
      size == 1 ? fmt::format("--fail {}: this world has no workers", options.fail->rank)
                : fmt::format("--fail {}: this world has the workers 1 to {}", options.fail->rank,
                              size - 1)};
}

Record receive(rankwire::Channel& world, int worker, const Options& options) {
  const auto deadline =
      options.timeout ? rankwire::Deadline{*options.timeout} : rankwire::Deadline::never();
  auto record = rankwire::try_recv<Record>(world, worker, result_tag, deadline);
  if (!record) {
    const auto peer = world.info().peers.at(static_cast<std::size_t>(worker));
    throw rankwire::Timeout{fmt::format(
        "{} gave no result within {}: it hangs, or is slow; wait longer (--timeout) or look at it",
        rankwire::name_of(worker, peer.host, peer.pid), rankwire::duration_text(*options.timeout))};
  }
  if (record->rank != worker) {
    throw rankwire::DecodeError{
        fmt::format("rank {} sent a result that says it is of rank {}", worker, record->rank)};
  }
  return std::move(*record);
}

}  // namespace

void master(rankwire::Channel& world, const Options& options) {
  check_fail(options, world.size());
  const bool json = options.format == "json";
  if (!json) write(heading(world.size()));
  std::exception_ptr first_failure;
  for (int worker = 1; worker < world.size(); ++worker) {
    try {
      const Record record = receive(world, worker, options);
      write(json ? json_of(record) : text_of(record));
    } catch (const rankwire::PeerGone&) {
      if (!first_failure) first_failure = std::current_exception();
    } catch (const rankwire::Timeout&) {
      if (!first_failure) first_failure = std::current_exception();
    }
  }
  if (first_failure) std::rethrow_exception(first_failure);
}

}  // namespace product
