// How fast does logistic regression train in one process, against a plain loop over plain arrays,
// and how near does it come to the best possible log-loss?
//
// Data: generated clicks (1 M x 39 of 880 k features) and a generated sparse set (1 M rows, 1 M
// features, power law); a9a when it is at ../shared/data.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "bench/report.h"
#include "hemiola/core/random.h"
#include "hemiola/data/synthetic.h"
#include "hemiola/models/linear.h"
#include "hemiola/models/local_parameters.h"

namespace hemiola::bench {
namespace {

SparseSpans spans(const SparseExamples& e) { return {e.offset, e.index, e.value, e.label}; }

struct Run {
  double wall_seconds = 0;
  double cpu_seconds = 0;
  std::vector<Metric> metrics;
};

Run train(const SparseExamples& data, const SparseExamples& test, uint32_t epochs, uint32_t threads,
          bool by_pointer) {
  const uint32_t features = std::max(data.features, test.features);
  const LinearTask task({spans(data), spans(test), features}, {});
  LocalTables tables(task.tables(), false);
  const auto blocks = static_cast<uint32_t>(task.plan(threads).blocks.size());
  Run run;
  for (uint32_t e = 0; e < epochs; ++e) {
    const auto work = [&](uint32_t first) {
      LocalParameters params(tables, by_pointer);
      for (uint32_t b = first; b < blocks; b += threads) task.train({b, e, {}}, params);
    };
    const double wall = wall_seconds(), cpu = cpu_seconds();
    std::vector<std::jthread> others;
    for (uint32_t t = 1; t < threads; ++t) others.emplace_back(work, t);
    work(0);
    others.clear();
    run.wall_seconds += wall_seconds() - wall;
    run.cpu_seconds += cpu_seconds() - cpu;
  }
  LocalParameters params(tables);
  std::vector<double> sums(task.metric_sums());
  for (uint32_t p = 0; p < task.evaluation_parts(); ++p) task.evaluate(p, params, sums);
  run.metrics = task.metrics(sums);
  return run;
}

// What a first draft would look like: AdaGrad, entry by entry. Seconds for an epoch.
double plain_epoch(const SparseExamples& data) {
  std::vector<float> weight(data.features), squares(data.features, 1);
  const double start = wall_seconds();
  for (size_t r = 0; r < data.rows(); ++r) {
    float score = 0;
    for (uint64_t i = data.offset[r]; i < data.offset[r + 1]; ++i) {
      score += weight[data.index[i]] * (data.value.empty() ? 1 : data.value[i]);
    }
    const float slope = -data.label[r] / (1 + std::exp(data.label[r] * score));
    for (uint64_t i = data.offset[r]; i < data.offset[r + 1]; ++i) {
      const uint32_t j = data.index[i];
      const float g = slope * (data.value.empty() ? 1 : data.value[i]);
      squares[j] += g * g;
      weight[j] -= 0.1f * g / std::sqrt(squares[j]);
    }
  }
  const double seconds = wall_seconds() - start;
  use(weight);
  return seconds;
}

void measure(const std::string& name, const SparseExamples& data, const SparseExamples& test,
             uint32_t epochs, const char* speed_budget) {
  const double entries = static_cast<double>(data.nonzeros()) * epochs;
  const double plain = plain_epoch(data) * epochs;
  const Run one = train(data, test, epochs, 1, false), two = train(data, test, epochs, 2, false);
  const Run pointers = train(data, test, 1, 1, true);
  for (const Metric& m : one.metrics) {
    const bool bar = name == "a9a" && m.name == "accuracy";
    result(name + "_" + m.name, m.value, m.name.c_str(), bar ? ">=0.849" : "-");
  }
  result(name + "_seconds", one.wall_seconds, "s");
  result(name + "_step", 1e9 * one.wall_seconds / entries, "ns/nonzero", speed_budget);
  result(name + "_over_plain_loop", plain / one.wall_seconds, "x", ">=1");
  result(name + "_step_by_pointer", 1e9 * pointers.wall_seconds * epochs / entries, "ns/nonzero");
  result(name + "_2_threads_wall", one.wall_seconds / two.wall_seconds, "x");
  result(name + "_2_threads_cpu", 2 * one.cpu_seconds / two.cpu_seconds, "x");
}

}  // namespace
}  // namespace hemiola::bench

int main() {
  using namespace hemiola;
  using namespace hemiola::bench;
  const std::string a9a = "../shared/data/a9a/a9a";
  if (std::filesystem::exists(a9a + ".zst")) {
    const LibsvmFile train = read_libsvm(a9a + ".zst");
    const LibsvmFile test = read_libsvm(a9a + ".t.zst", {.classes = train.classes});
    measure("a9a", train.examples, test.examples, 3, "-");
  } else {
    std::printf("no %s.zst: skipped\n", a9a.c_str());
  }
  {
    const MadeExamples made = make_clicks({});
    result("clicks_best_possible", made.floor, "log_loss");
    measure("clicks", made.train, made.test, 4, "<=4");
  }
  const MadeExamples made = make_logistic({});
  result("sparse_best_possible", made.floor, "log_loss");
  measure("sparse", made.train, made.test, 3, "-");
}
