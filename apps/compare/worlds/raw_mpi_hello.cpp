#include <mpi.h>

// The least that an MPI program does; `compare startup` measures rankwire's start against it.

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  MPI_Finalize();
}
