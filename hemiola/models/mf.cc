#include "hemiola/models/mf.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

constexpr TableId kFactors{0};
constexpr uint32_t kTestRatingsInPart = 8192;

const MfKernels& kernels_here() {
#if defined(__x86_64__)
  if (simd_here() == Simd::avx512) return kMfAvx512;
  if (simd_here() == Simd::avx2) return kMfAvx2;
#endif
  return kMfBaseline;
}

void check_ids(const char* what, std::span<const uint32_t> ids, uint32_t count) {
  for (const uint32_t id : ids) {
    if (id >= count) {
      throw UserError(std::string("mf: ") + what + " " + std::to_string(id) +
                      " is out of range: there are " + std::to_string(count));
    }
  }
}

void check(const MfData& data, const MfOptions& o) {
  if (o.factors == 0 || o.factors > 4096) {
    throw UserError("mf: model.factors must be between 1 and 4096, not " +
                    std::to_string(o.factors));
  }
  if (!(o.rate >= 0) || !(o.bias_l2 >= 0) || !(o.decay > 0)) {
    throw UserError("mf: train.rate must not be negative, and train.decay must be above 0");
  }
  if (data.train.size() == 0) throw UserError("mf: there are no ratings to train on");
  for (const RatingSpans* r : {&data.train, &data.test}) {
    HEMIOLA_CHECK(r->users.size() == r->size() && r->items.size() == r->size());
    check_ids("user", r->users, data.users);
    check_ids("item", r->items, data.items);
  }
}

// Few enough that blocks have work for a while, many enough that each worker finds a free one,
// that progress is seen, and that the rows of two groups fit into a core's own cache.
uint32_t groups_for(const MfData& data, const MfOptions& o) {
  if (o.groups > 0) return o.groups;
  constexpr double kBlockRatings = 20'000, kCacheBytes = 512 << 10;
  const double row_bytes = 4.0 * (o.factors + 2);
  const double rows = static_cast<double>(data.users) + data.items;
  const double wanted = std::max(2.0 * o.workers + 1, std::ceil(rows * row_bytes / kCacheBytes));
  const double most = std::sqrt(static_cast<double>(data.train.size()) / kBlockRatings);
  const double least = o.workers > 1 ? 2.0 * o.workers + 1 : 1;
  // An odd number spreads the rows of a group over all sets of a cache.
  return static_cast<uint32_t>(std::clamp(wanted, least, std::max(least, most))) | 1U;
}

// Takes the next `batch` ratings off `left`; 0: all of them.
std::span<const MfRating> next_batch(std::span<const MfRating>& left, size_t batch) {
  const auto part = left.first(batch > 0 ? std::min(batch, left.size()) : left.size());
  left = left.subspan(part.size());
  return part;
}

float mean_of(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += v;
  return static_cast<float>(sum / static_cast<double>(values.size()));
}

MfOptions with_defaults(MfOptions o, size_t ratings) {
  if (o.rate == 0) o.rate = o.optimizer == Optimizer::adagrad ? 0.05f : 0.01f;
  if (!(o.l2 >= 0)) o.l2 = 0.05f;
  if (o.batch == 0 && o.workers > 1) {
    o.batch = static_cast<uint32_t>(std::max<size_t>(256, ratings / 100 / o.workers));
  }
  return o;
}

}  // namespace

MfTask::MfTask(const MfData& data, const MfOptions& options)
    : options_(with_defaults(options, data.train.size())),
      test_(data.test),
      users_(data.users),
      items_(data.items),
      kernels_(kernels_here()) {
  check(data, options_);
  mean_ = mean_of(data.train.values);
  const uint32_t groups = groups_for(data, options_);
  cut_ = MfCut(data.train, std::min(groups, users_), std::min(groups, items_), options_.seed);
}

std::vector<TableSpec> MfTask::tables() const {
  TableSpec spec;
  spec.name = "factors";
  spec.rows = users_ + items_;
  spec.value_columns = options_.factors + (options_.biases ? 1 : 0);
  spec.row_length = spec.value_columns + (options_.optimizer == Optimizer::adagrad ? 1 : 0);
  spec.init.kind = Initialiser::Kind::uniform;
  spec.init.a = -options_.init_scale;
  spec.init.b = options_.init_scale;
  spec.init.seed = options_.seed;
  return {spec};
}

std::map<std::string, double> MfTask::facts() const {
  return {{"users", users_},
          {"items", items_},
          {"factors", options_.factors},
          {"biases", options_.biases ? 1 : 0},
          {"mean", mean_}};
}

BlockPlan MfTask::plan(uint32_t) const {
  BlockPlan plan;
  for (uint32_t b = 0; b < cut_.blocks(); ++b) {
    plan.blocks.push_back({static_cast<uint32_t>(cut_.block(b).size()), cut_.user_group(b),
                           cut_.user_groups() + cut_.item_group(b)});
  }
  return plan;
}

MfStep MfTask::step_for(uint32_t epoch) const {
  MfStep step;
  step.factors = options_.factors;
  step.biases = options_.biases;
  step.adagrad = options_.optimizer == Optimizer::adagrad;
  step.rate = options_.rate * std::pow(options_.decay, static_cast<float>(epoch));
  step.l2 = options_.l2;
  step.bias_l2 = options_.bias_l2;
  step.mean = mean_;
  return step;
}

MfGroup MfTask::users_of(uint32_t block) const {
  const uint32_t groups = cut_.user_groups(), group = cut_.user_group(block);
  return {group, groups, (users_ - group + groups - 1) / groups};
}

MfGroup MfTask::items_of(uint32_t block) const {
  const uint32_t groups = cut_.item_groups(), group = cut_.item_group(block);
  return {users_ + group, groups, (items_ - group + groups - 1) / groups};
}

LossSum MfTask::train(const Work& work, Parameters& params) const {
  const auto [block, epoch, next] = work;
  HEMIOLA_CHECK(block < cut_.blocks());
  const MfStep step = step_for(epoch);
  const auto direct = params.direct(kFactors);
  const double sum =
      direct ? train_direct(block, step, *direct, params) : train_fetched(block, step, params);
  if (!std::isfinite(sum)) {
    throw UserError("mf: the loss is not a finite number in epoch " + std::to_string(epoch + 1) +
                    ": training diverged; lower train.rate (it is " +
                    std::to_string(options_.rate) + ")");
  }
  return {sum, static_cast<double>(cut_.block(block).size())};
}

double MfTask::train_part(std::span<const MfRating> part, const RowPlaces& users,
                          const RowPlaces& items, const MfStep& step, Latches& latches) const {
  if (!latches.needed()) return kernels_.train(part.data(), part.size(), users, items, step);
  constexpr size_t kAhead = 4;
  const auto row = [](const RowPlaces& rows, size_t i) {
    return rows.at ? rows.at[i] : rows.base + i * rows.stride;
  };
  double sum = 0;
  for (size_t i = 0; i < part.size(); ++i) {
    const MfRating& later = part[std::min(i + kAhead, part.size() - 1)];
    __builtin_prefetch(row(users, later.user), 1);
    __builtin_prefetch(row(items, later.item), 1);
    LatchGuard guard(latches, row(users, part[i].user), row(items, part[i].item));
    sum += kernels_.train(&part[i], 1, users, items, step);
  }
  return sum;
}

double MfTask::train_direct(uint32_t block, const MfStep& step, Parameters::Direct rows,
                            Parameters& params) const {
  const auto place = [&](const MfGroup& group) {
    return RowPlaces{nullptr, rows.base + group.first * rows.stride, group.apart * rows.stride};
  };
  const RowPlaces users = place(users_of(block)), items = place(items_of(block));
  double sum = 0;
  for (auto left = cut_.block(block); !left.empty();) {
    const auto part = next_batch(left, options_.batch);
    sum += train_part(part, users, items, step, params.latches(kFactors));
    params.step(part.size());
  }
  return sum;
}

double MfTask::train_fetched(uint32_t block, const MfStep& step, Parameters& params) const {
  MfFetch fetch(kFactors, users_of(block), items_of(block));
  auto left = cut_.block(block);
  auto part = next_batch(left, options_.batch);
  fetch.find(part);
  double sum = 0;
  while (!part.empty()) {
    fetch.fetch(params);
    const auto later = next_batch(left, options_.batch);
    if (!later.empty()) {
      fetch.find(later);
      params.intend(kFactors, fetch.keys(), 1, 2);
    }
    sum += train_part(part, fetch.users(), fetch.items(), step, params.latches(kFactors));
    params.step(part.size());
    part = later;
  }
  return sum;
}

uint32_t MfTask::evaluation_parts() const {
  return std::max<uint32_t>(
      1, static_cast<uint32_t>((test_.size() + kTestRatingsInPart - 1) / kTestRatingsInPart));
}

void MfTask::evaluate(uint32_t part, Parameters& params, std::span<double> sums) const {
  const size_t begin = std::min<size_t>(size_t{part} * kTestRatingsInPart, test_.size());
  const size_t n = std::min<size_t>(kTestRatingsInPart, test_.size() - begin);
  std::vector<Key> keys(2 * n);
  std::vector<float*> rows(2 * n);
  std::vector<MfRating> ratings(n);
  for (uint32_t i = 0; i < n; ++i) {
    keys[i] = Key{test_.users[begin + i]};
    keys[n + i] = Key{users_ + test_.items[begin + i]};
    ratings[i] = {i, i, test_.values[begin + i]};
  }
  if (const auto direct = params.direct(kFactors)) {
    for (size_t i = 0; i < rows.size(); ++i) {
      rows[i] = direct->base + size_t{keys[i].value} * direct->stride;
    }
  } else {
    params.rows(kFactors, keys, Access::read, rows);
  }
  sums[0] +=
      kernels_.squared_error(ratings.data(), n, {rows.data()}, {rows.data() + n}, step_for(0));
  sums[1] += static_cast<double>(n);
}

std::vector<Metric> MfTask::metrics(std::span<const double> sums) const {
  if (sums[1] == 0) return {};
  return {{"rmse", std::sqrt(sums[0] / sums[1])}};
}

}  // namespace hemiola
