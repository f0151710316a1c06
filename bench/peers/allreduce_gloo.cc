// The peer of bench/allreduce.cc: gloo::allreduce in place, its ring, over TCP on the loopback; or
// the older class for halving-doubling. Built and run by bench/allreduce.py.
//
// usage: allreduce_gloo ring|halving_doubling RANK NODES FOLDER BYTES...
#include <gloo/allreduce.h>
#include <gloo/allreduce_halving_doubling.h>
#include <gloo/math.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/file_store.h>
#include <gloo/transport/tcp/device.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>

#include "bench/peers/rounds.h"

int main(int argc, char** argv) {
  const bool ring = std::strcmp(argv[1], "ring") == 0;
  const int rank = std::atoi(argv[2]), nodes = std::atoi(argv[3]);
  gloo::transport::tcp::attr attributes("127.0.0.1");
  auto device = gloo::transport::tcp::CreateDevice(attributes);
  gloo::rendezvous::FileStore store(argv[4]);
  auto context = std::make_shared<gloo::rendezvous::Context>(rank, nodes);
  context->connectFullMesh(store, device);
  for (int i = 5; i < argc; ++i) {
    const size_t bytes = std::strtoull(argv[i], nullptr, 10);
    std::vector<float> values(bytes / sizeof(float), static_cast<float>(rank));
    std::unique_ptr<gloo::AllreduceHalvingDoubling<float>> halving;
    std::function<void()> round;
    if (ring) {
      round = [&] {
        gloo::AllreduceOptions options(context);
        options.setAlgorithm(gloo::AllreduceOptions::Algorithm::RING);
        options.setOutput(values.data(), values.size());
        options.setReduceFunction(
            static_cast<void (*)(void*, const void*, const void*, size_t)>(&gloo::sum<float>));
        gloo::allreduce(options);
      };
    } else {
      halving = std::make_unique<gloo::AllreduceHalvingDoubling<float>>(
          context, std::vector<float*>{values.data()}, static_cast<int>(values.size()));
      round = [&] { halving->run(); };
    }
    round();
    const auto sum = static_cast<float>(nodes * (nodes - 1) / 2);
    if (values.front() != sum || values.back() != sum) return 1;
    std::fill(values.begin(), values.end(), 0.0f);
    const auto rounds = hemiola::bench::time_rounds(bytes, round);
    if (rank == 0) hemiola::bench::print_rounds(bytes, rounds);
  }
}
