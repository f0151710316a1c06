#include "hemiola/models/count.h"

#include <algorithm>
#include <cmath>

#include "hemiola/core/check.h"

namespace hemiola {

CountTask::CountTask(const CountOptions& options) : options_(options) {
  constexpr double kExact = 1 << 24;
  const double most = expected(kShared, Key{0});
  if (most >= kExact) {
    throw UserError("model.kind = \"count\" would count to " +
                    std::to_string(static_cast<uint64_t>(most)) +
                    " in one row, and counts exactly only to 16777216; lower train.epochs or "
                    "data.examples");
  }
}

std::vector<TableSpec> CountTask::tables() const {
  return {{"own", options_.examples, 1, 0, {}}, {"shared", kHot, 1, 0, {}}};
}

BlockPlan CountTask::plan(uint32_t) const {
  BlockPlan plan;
  for (uint32_t at = 0; at < options_.examples; at += options_.block) {
    plan.blocks.push_back({std::min(options_.block, options_.examples - at)});
  }
  return plan;
}

LossSum CountTask::train(const Work& work, Parameters& params) const {
  const uint32_t begin = work.block * options_.block;
  const uint32_t end = std::min(begin + options_.block, options_.examples);
  std::vector<Key> own, shared;
  std::vector<float*> rows;
  const auto add = [&](TableId table, const std::vector<Key>& keys) {
    rows.resize(keys.size());
    params.rows(table, keys, Access::write, rows);
    for (float* row : rows) {
      LatchGuard guard(params.latches(table), row);
      *row += 1;
    }
  };
  for (uint32_t at = begin; at < end; at += options_.batch) {
    own.clear(), shared.clear();
    for (uint32_t i = at; i < std::min(at + options_.batch, end); ++i) {
      own.push_back(Key{i});
      shared.push_back(Key{i % kHot});
    }
    add(kOwn, own);
    add(kShared, shared);
    params.step(own.size());
  }
  return {0, static_cast<double>(end - begin)};
}

double CountTask::expected(TableId table, Key key) const {
  const uint32_t all = options_.examples;
  const uint32_t examples = table == kOwn ? 1 : all / kHot + (key.value < all % kHot ? 1 : 0);
  return static_cast<double>(examples) * options_.epochs;
}

void CountTask::compare(TableId table, std::span<const Key> keys, Parameters& params,
                        std::span<double> sums) const {
  std::vector<float*> rows(keys.size());
  params.rows(table, keys, Access::read, rows);
  for (size_t i = 0; i < keys.size(); ++i) {
    const double more = *rows[i] - expected(table, keys[i]);
    sums[more < 0 ? 0 : 1] += std::abs(more);
  }
}

void CountTask::evaluate(uint32_t part, Parameters& params, std::span<double> sums) const {
  constexpr uint32_t kAtOnce = 4096;
  std::vector<Key> keys;
  const auto flush = [&](TableId table) {
    if (!keys.empty()) compare(table, keys, params, sums);
    keys.clear();
  };
  for (uint32_t k = part; k < options_.examples; k += kParts) {
    keys.push_back(Key{k});
    if (keys.size() == kAtOnce) flush(kOwn);
  }
  flush(kOwn);
  for (uint32_t k = part; k < kHot; k += kParts) keys.push_back(Key{k});
  flush(kShared);
}

std::vector<Metric> CountTask::metrics(std::span<const double> sums) const {
  return {{"missing", sums[0]}, {"repeated", sums[1]}};
}

}  // namespace hemiola
