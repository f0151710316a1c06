// The peer of bench/allreduce.cc: MPI_Allreduce in place. Built and run by bench/allreduce.py.
#include <mpi.h>

#include <cstdlib>

#include "bench/peers/rounds.h"

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0, nodes = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &nodes);
  for (int i = 1; i < argc; ++i) {
    const size_t bytes = std::strtoull(argv[i], nullptr, 10);
    std::vector<float> values(bytes / sizeof(float), static_cast<float>(rank));
    const auto round = [&] {
      MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_FLOAT,
                    MPI_SUM, MPI_COMM_WORLD);
    };
    round();
    const auto sum = static_cast<float>(nodes * (nodes - 1) / 2);
    if (values.front() != sum || values.back() != sum) MPI_Abort(MPI_COMM_WORLD, 1);
    std::fill(values.begin(), values.end(), 0.0f);
    const auto rounds = hemiola::bench::time_rounds(bytes, round);
    if (rank == 0) hemiola::bench::print_rounds(bytes, rounds);
  }
  MPI_Finalize();
}
