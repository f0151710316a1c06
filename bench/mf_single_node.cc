// How fast does matrix factorisation train in one process, against a plain loop over plain arrays,
// how good does it get, and what does a second thread bring?
//
// Data: ml-1m (folds 1-4 train, 5 tests) when it is at ../shared/data, else generated ratings.
#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bench/report.h"
#include "hemiola/core/random.h"
#include "hemiola/data/synthetic.h"
#include "hemiola/models/local_parameters.h"
#include "hemiola/models/mf.h"

namespace hemiola::bench {
namespace {

constexpr const char* kMovieLens = "../shared/data/ml-1m/ratings.tsv.zst";

RatingsSplit read_data() {
  if (!std::filesystem::exists(kMovieLens)) {
    std::printf("no %s: generated ratings instead\n", kMovieLens);
    return make_ratings({.users = 6'040, .items = 3'706, .ratings = 1'000'000}).split;
  }
  return read_ratings(kMovieLens, {.fold_column = 4, .test_fold = 5});
}

RatingSpans spans(const Ratings& r) { return {r.user, r.item, r.value}; }

// Gives each worker a block whose rows nobody else is at work on.
class Dealer {
 public:
  explicit Dealer(const BlockPlan& plan, uint64_t seed) : plan_(plan) {
    for (uint32_t b = 0; b < plan.blocks.size(); ++b) left_.push_back(b);
    Random random(seed);
    shuffle(left_, random);
  }

  // The number of blocks when there is none left. `done`: the worker's last block, or none.
  uint32_t next(uint32_t done) {
    std::unique_lock lock(mutex_);
    const auto none = static_cast<uint32_t>(plan_.blocks.size());
    if (done != none) std::erase(busy_, done);
    changed_.notify_all();
    for (;;) {
      if (left_.empty()) return none;
      const auto free = std::find_if(left_.begin(), left_.end(), [&](uint32_t b) {
        return std::none_of(busy_.begin(), busy_.end(), [&](uint32_t other) {
          return plan_.blocks[b].row_group == plan_.blocks[other].row_group ||
                 plan_.blocks[b].column_group == plan_.blocks[other].column_group;
        });
      });
      if (free != left_.end()) {
        const uint32_t block = *free;
        left_.erase(free);
        busy_.push_back(block);
        return block;
      }
      changed_.wait(lock);
    }
  }

 private:
  const BlockPlan& plan_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<uint32_t> left_, busy_;
};

struct Run {
  double wall_seconds = 0;
  double cpu_seconds = 0;
  double rmse = 0;
};

Run train(const RatingsSplit& data, MfOptions options, uint32_t epochs, uint32_t threads) {
  options.workers = threads;
  const MfTask task({spans(data.train), spans(data.test), data.train.users, data.train.items},
                    options);
  LocalTables tables(task.tables(), false);
  const BlockPlan plan = task.plan(threads);
  Run run;
  for (uint32_t e = 0; e < epochs; ++e) {
    Dealer dealer(plan, e);
    const auto work = [&] {
      LocalParameters params(tables);
      const auto none = static_cast<uint32_t>(plan.blocks.size());
      for (uint32_t b = none; (b = dealer.next(b)) != none;) task.train({b, e, {}}, params);
    };
    const double wall = wall_seconds(), cpu = cpu_seconds();
    std::vector<std::jthread> others;
    for (uint32_t t = 1; t < threads; ++t) others.emplace_back(work);
    work();
    others.clear();
    run.wall_seconds += wall_seconds() - wall;
    run.cpu_seconds += cpu_seconds() - cpu;
  }
  LocalParameters params(tables);
  std::vector<double> sums(task.metric_sums());
  for (uint32_t p = 0; p < task.evaluation_parts(); ++p) task.evaluate(p, params, sums);
  run.rmse = task.metrics(sums)[0].value;
  return run;
}

// What a first draft would look like: two arrays, one rate, one loop. Seconds for an epoch.
double plain_epoch(const Ratings& r, uint32_t factors) {
  std::vector<uint32_t> order(r.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  Random random(1);
  shuffle(order, random);
  std::vector<float> p(size_t{r.users} * factors), q(size_t{r.items} * factors);
  for (float& x : p) x = static_cast<float>(random.uniform(-0.1, 0.1));
  for (float& x : q) x = static_cast<float>(random.uniform(-0.1, 0.1));
  const double start = wall_seconds();
  for (const uint32_t i : order) {
    float* u = p.data() + size_t{r.user[i]} * factors;
    float* v = q.data() + size_t{r.item[i]} * factors;
    float e = r.value[i] - 3.5f;
    for (uint32_t c = 0; c < factors; ++c) e -= u[c] * v[c];
    for (uint32_t c = 0; c < factors; ++c) {
      const float before = u[c];
      u[c] += 0.01f * (e * v[c] - 0.05f * before);
      v[c] += 0.01f * (e * before - 0.05f * v[c]);
    }
  }
  const double seconds = wall_seconds() - start;
  use(p), use(q);
  return seconds;
}

void measure(const RatingsSplit& data, uint32_t factors, const char* rmse_budget,
             const char* rate_budget) {
  constexpr uint32_t kEpochs = 30;
  const std::string name = "mf_" + std::to_string(factors) + "_";
  const double million = 1e-6 * static_cast<double>(data.train.size());
  double plain = 1e9;
  for (int i = 0; i < 3; ++i) plain = std::min(plain, plain_epoch(data.train, factors));
  MfOptions options;
  options.factors = factors;
  const Run one = train(data, options, kEpochs, 1), two = train(data, options, kEpochs, 2);
  const double rate = million * kEpochs / one.wall_seconds;
  result(name + "rmse", one.rmse, "rmse", rmse_budget);
  result(name + "rmse_2_threads", two.rmse, "rmse", rmse_budget);
  result(name + "rate", rate, "M_ratings/s/core", rate_budget);
  result(name + "over_plain_loop", rate * plain / million, "x", ">=1");
  result(name + "2_threads_wall", one.wall_seconds / two.wall_seconds, "x", ">=1.8");
  // Tells a slow kernel from a machine whose second core is busy with something else.
  result(name + "2_threads_cpu", 2 * one.cpu_seconds / two.cpu_seconds, "x", ">=1.8");
}

}  // namespace
}  // namespace hemiola::bench

int main() {
  using namespace hemiola::bench;
  const hemiola::RatingsSplit data = read_data();
  measure(data, 16, "<=0.862", ">=26");
  measure(data, 32, "<=0.855", ">=26");
}
