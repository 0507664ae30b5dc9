// Heat spreads over a plate whose rows are divided among the ranks. In each step neighbours
// exchange the rows at which they meet, from the memory in which they compute into that of the
// other. `halo -n 4` prints what any other number of ranks prints, to the last digit.

#include <algorithm>
#include <cstdio>
#include <rankwire/rankwire.hpp>
#include <span>
#include <string>
#include <vector>

namespace {

constexpr int up_tag = 1, down_tag = 2, result_tag = 3;
constexpr int plate_rows = 60, steps = 1000;
constexpr std::size_t columns = 80;

int first_row(const rankwire::Channel& world, int rank) {
  return plate_rows * rank / world.size();
}

/// Some rows, row 1 the first of them; rows 0 and `rows` + 1 are those of others, the halo.
struct Block {
  explicit Block(int count) : rows{count}, cells((count + std::size_t{2}) * columns) {}
  std::span<double> row(int index) { return std::span{cells}.subspan(index * columns, columns); }

  int rows;
  std::vector<double> cells;
};

/// All send before they receive: a send waits for nobody while there is room in the window.
void exchange(rankwire::Channel& world, Block& block) {
  const int above = world.rank() - 1, below = world.rank() + 1;
  if (above >= 0) rankwire::send(world, above, up_tag, block.row(1));
  if (below < world.size()) rankwire::send(world, below, down_tag, block.row(block.rows));
  if (above >= 0) rankwire::recv_into(world, above, down_tag, block.row(0));
  if (below < world.size()) rankwire::recv_into(world, below, up_tag, block.row(block.rows + 1));
}

void step(Block& block, Block& next) {
  for (int row = 1; row <= block.rows; ++row) {
    const auto above = block.row(row - 1), here = block.row(row), below = block.row(row + 1);
    for (std::size_t i = 1; i + 1 < columns; ++i) {
      next.row(row)[i] = (above[i] + below[i] + here[i - 1] + here[i + 1]) / 4;
    }
  }
  block.cells.swap(next.cells);
}

void heat(rankwire::Channel& world) {
  if (world.rank() == 0 && world.size() > plate_rows) {
    throw rankwire::UsageError{"-n " + std::to_string(plate_rows) + " at most: a row for each"};
  }
  Block block{first_row(world, world.rank() + 1) - first_row(world, world.rank())};
  if (world.rank() == 0) std::ranges::fill(block.row(0), 100.0);  // the upper edge is hot
  Block next = block;
  for (int i = 0; i < steps; ++i) {
    exchange(world, block);
    step(block, next);
  }

  const auto own = std::span<const double>{block.cells}.subspan(columns, block.rows * columns);
  if (world.rank() > 0) return rankwire::send(world, 0, result_tag, own);
  std::vector<double> plate(own.begin(), own.end());
  plate.resize(plate_rows * columns);
  for (int worker = 1; worker < world.size(); ++worker) {
    const auto rows = std::span{plate}.subspan(first_row(world, worker) * columns);
    rankwire::recv_into(world, worker, result_tag, rows);
  }
  for (int row = 0; row < plate_rows; row += 10) {
    std::printf("row %2d: %.12f degrees\n", row, plate[row * columns + columns / 2]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return rankwire::run(argc, argv, heat);
}
