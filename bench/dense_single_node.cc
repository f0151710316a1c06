// How fast do dense nets train on one core?
//
//   dense_single_node        samples a second of softmax regression, of a net of two hidden layers
//                            and of a small convolutional net, in steps of 64 examples
//
// bench/dense_peer.py runs PyTorch beside it. Images are made: what they show costs nothing.
#include <cstdio>
#include <string>
#include <vector>

#include "bench/report.h"
#include "hemiola/core/random.h"
#include "hemiola/models/dense.h"
#include "hemiola/models/local_parameters.h"

namespace hemiola::bench {
namespace {

struct Set {
  DenseImageShape shape;
  std::vector<uint8_t> pixels, labels;

  Set(const DenseImageShape& of, size_t n) : shape(of), pixels(n * of.values()), labels(n) {
    Random random(1);
    for (uint8_t& p : pixels) p = static_cast<uint8_t>(random.below(256));
    for (uint8_t& l : labels) l = static_cast<uint8_t>(random.below(10));
  }
  DenseData data() const { return {{pixels, labels}, {}, shape, 10}; }
};

struct Way {
  const char* suffix;
  bool latched, by_pointer;
  float momentum;
};

// The best of several passes, in samples a CPU second.
double speed(const Set& set, DenseOptions options, const Way& way, int passes) {
  options.rate = 1e-4f;
  options.momentum = way.momentum;
  const DenseTask task(set.data(), options);
  LocalTables tables(task.tables(), way.latched);
  LocalParameters params(tables, way.by_pointer);
  double best = 0;
  for (int pass = 0; pass < passes; ++pass) {
    const double start = cpu_seconds();
    for (uint32_t b = 0; b < task.plan(1).blocks.size(); ++b) {
      task.train({b, static_cast<uint32_t>(pass), {}}, params);
    }
    best = std::max(best, static_cast<double>(set.labels.size()) / (cpu_seconds() - start));
  }
  return best;
}

void measure(const std::string& name, const Set& set, const DenseOptions& options, int passes) {
  for (const Way& way : {Way{"", false, false, 0}, Way{"_momentum", false, false, 0.9f},
                         Way{"_latched", true, false, 0}, Way{"_by_pointer", false, true, 0}}) {
    result("dense_" + name + way.suffix, speed(set, options, way, passes), "samples/s/core");
  }
}

}  // namespace
}  // namespace hemiola::bench

int main() {
  using namespace hemiola::bench;
  using hemiola::DenseOptions;
  const Set grey({28, 28, 1}, 60'000), few({28, 28, 1}, 6'000), colour({32, 32, 3}, 4'000);
  DenseOptions softmax, mlp, cnn;
  mlp.hidden = {256, 128};
  cnn.filters = {32, 64};
  cnn.hidden = {128};
  measure("softmax", grey, softmax, 5);
  measure("mlp", grey, mlp, 3);
  measure("cnn", few, cnn, 3);
  result("dense_cnn_colour", speed(colour, cnn, {"", false, false, 0}, 2), "samples/s/core");
}
