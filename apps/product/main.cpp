#include <rankwire/rankwire.hpp>

#include "failure.hpp"
#include "master.hpp"
#include "options.hpp"
#include "record.hpp"

// Rank r > 0 owns ten integers, multiplies them and sends all to rank 0, which prints.

namespace product {
namespace {

/// Rank 1 owns 1..10, rank 2 owns 11..20, and so on.
Record work(int rank) {
  constexpr std::int64_t values_each = 10;
  Record record{rank, {}, {1}};
  for (std::int64_t i = 1; i <= values_each; ++i) {
    record.values.push_back((rank - 1) * values_each + i);
    record.product.value *= record.values.back();
  }
  return record;
}

void run_rank(rankwire::Channel& world, const Options& options) {
  if (world.rank() == 0) return master(world, options);
  if (options.fail && options.fail->rank == world.rank()) return fail(world, options.fail->kind);
  rankwire::send(world, 0, result_tag, work(world.rank()));
}

}  // namespace
}  // namespace product

int main(int argc, char** argv) {
  product::Options options;
  const rankwire::Program program{
      .description =
          "Multiplies ten integers on each worker and prints the products in rank order.",
      .options = [&options](CLI::App& app) { product::add_options(app, options); }};
  return rankwire::run(
      argc, argv, [&options](rankwire::Channel& world) { product::run_rank(world, options); },
      program);
}
