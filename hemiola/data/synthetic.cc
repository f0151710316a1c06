#include "hemiola/data/synthetic.h"

#include <algorithm>
#include <cmath>

#include "hemiola/core/check.h"
#include "hemiola/core/fill.h"
#include "hemiola/core/random.h"
#include "hemiola/data/zipf.h"

namespace hemiola {
namespace {

constexpr uint64_t kBlock = 8192;  // rows in one task

// Streams of chance that must not meet.
enum Stream : uint64_t { kRows, kWeights, kUsers, kItems, kScatter };

void require(bool holds, const std::string& sentence) {
  if (!holds) throw UserError(sentence);
}

uint64_t test_rows(uint64_t rows, double share) {
  require(rows >= 2 && share > 0 && share < 1, "test_share must lie between 0 and 1");
  const auto test = static_cast<uint64_t>(std::llround(static_cast<double>(rows) * share));
  return std::clamp<uint64_t>(test, 1, rows - 1);
}

void for_blocks(uint64_t rows, const Runner& run,
                const std::function<void(uint64_t first, uint64_t last)>& task) {
  const uint64_t blocks = (rows + kBlock - 1) / kBlock;
  run(blocks, [&](size_t b) { task(b * kBlock, std::min(rows, (b + 1) * kBlock)); });
}

std::vector<float> normals(size_t count, double spread, uint64_t seed) {
  Random random(seed);
  std::vector<float> out(count);
  for (float& x : out) x = static_cast<float>(spread * random.normal());
  return out;
}

// The same for hundreds of millions; other values.
std::vector<float> many_normals(size_t count, double spread, uint64_t seed, const Runner& run) {
  std::vector<float> out(count);
  for_blocks(count, run, [&](uint64_t first, uint64_t last) {
    fill().normal(&out[first], last - first, mix(seed, first), 0, static_cast<float>(spread));
  });
  return out;
}

// Where one row of fixed length is written.
struct RowSlot {
  uint32_t* index;
  float* value;  // nullptr: all values are 1
};
struct RowResult {
  float label;
  double loss;  // of the planted model
};
// Fills a row: a pure function of the row's number.
using RowMaker = std::function<RowResult(uint64_t row, RowSlot slot)>;

void resize(SparseExamples& examples, uint64_t rows, uint32_t length, uint32_t features,
            bool values) {
  examples.offset.resize(rows + 1);
  for (uint64_t r = 0; r <= rows; ++r) examples.offset[r] = r * length;
  examples.index.resize(rows * length);
  if (values) examples.value.resize(rows * length);
  examples.label.resize(rows);
  examples.features = features;
}

void make_rows(MadeExamples& made, uint64_t rows, double test_share, uint32_t length,
               uint32_t features, bool values, const Runner& run, const RowMaker& make) {
  const uint64_t test = test_rows(rows, test_share);
  const uint64_t train = rows - test;
  resize(made.train, train, length, features, values);
  resize(made.test, test, length, features, values);
  std::vector<double> losses((rows + kBlock - 1) / kBlock);
  for_blocks(rows, run, [&](uint64_t first, uint64_t last) {
    double loss = 0;
    for (uint64_t row = first; row < last; ++row) {
      SparseExamples& to = row < train ? made.train : made.test;
      const uint64_t r = row < train ? row : row - train;
      const RowResult result = make(
          row, {to.index.data() + r * length, values ? to.value.data() + r * length : nullptr});
      to.label[r] = result.label;
      if (row >= train) loss += result.loss;
    }
    losses[first / kBlock] = loss;
  });
  for (const double loss : losses) made.floor += loss;
  made.floor /= static_cast<double>(test);
}

// Draws the label for a logit; `noise` is the chance that it is turned round.
RowResult logistic_label(double logit, double noise, Random& random) {
  const double clean = 1 / (1 + std::exp(-logit));
  const double p = noise + (1 - 2 * noise) * clean;
  const bool positive = random.chance(p);
  return {positive ? 1.0F : -1.0F, -std::log(positive ? p : 1 - p)};
}

// `count` different features, ascending. When the law is so steep that drawing does not find
// enough different ones, the most frequent of the missing complete the row.
void draw_features(const Zipf& zipf, const Scatter& scatter, Random& random, uint32_t count,
                   uint32_t* out) {
  constexpr int kTries = 32;
  uint32_t have = 0;
  for (int attempt = 0; have < count && attempt < kTries; ++attempt) {
    while (have < count) out[have++] = static_cast<uint32_t>(scatter(zipf(random) - 1));
    std::sort(out, out + have);
    have = static_cast<uint32_t>(std::unique(out, out + have) - out);
  }
  for (uint64_t rank = 0; have < count; ++rank) {
    const auto feature = static_cast<uint32_t>(scatter(rank));
    if (std::find(out, out + have, feature) == out + have) out[have++] = feature;
  }
  std::sort(out, out + count);
}

void require_rows(uint64_t rows, uint32_t features, uint32_t nonzeros) {
  require(rows >= 2, "rows must be at least 2");
  require(features > 0 && features < UINT32_MAX, "features must lie between 1 and 4294967294");
  require(nonzeros > 0 && nonzeros <= features,
          "nonzeros must lie between 1 and features (" + std::to_string(features) + ")");
}

void require_skew(double skew) { require(skew >= 0, "skew must be 0 or more"); }

}  // namespace

MadeRatings make_ratings(const SyntheticRatings& s, const Runner& run) {
  require(s.users > 0 && s.items > 0, "users and items must be at least 1");
  require(s.rank > 0, "rank must be at least 1");
  require(s.noise >= 0, "noise must be 0 or more");
  require_skew(std::min(s.user_skew, s.item_skew));
  const size_t rank = s.rank;
  const double factor = s.signal / std::sqrt(static_cast<double>(rank));
  const auto p = many_normals(s.users * rank, 1, mix(s.seed, kUsers), run);
  const auto q = many_normals(s.items * rank, factor, mix(s.seed, kItems), run);
  const auto user_bias = many_normals(s.users, s.bias, mix(s.seed, kWeights, kUsers), run);
  const auto item_bias = many_normals(s.items, s.bias, mix(s.seed, kWeights, kItems), run);
  const Zipf user_law(s.users, s.user_skew), item_law(s.items, s.item_skew);
  const Scatter user_ids(s.users, mix(s.seed, kScatter, kUsers));
  const Scatter item_ids(s.items, mix(s.seed, kScatter, kItems));

  MadeRatings made;
  const uint64_t test = test_rows(s.ratings, s.test_share);
  const uint64_t train = s.ratings - test;
  for (auto [part, size] : {std::pair(&made.split.train, train), {&made.split.test, test}}) {
    part->user.resize(size), part->item.resize(size), part->value.resize(size);
    part->users = s.users, part->items = s.items;
  }
  std::vector<double> errors((s.ratings + kBlock - 1) / kBlock);
  for_blocks(s.ratings, run, [&](uint64_t first, uint64_t last) {
    Random random(mix(s.seed, kRows, first));
    double error = 0;
    for (uint64_t row = first; row < last; ++row) {
      const auto user = static_cast<uint32_t>(user_ids(user_law(random) - 1));
      const auto item = static_cast<uint32_t>(item_ids(item_law(random) - 1));
      const float* pu = &p[user * rank];
      const float* qi = &q[item * rank];
      float value = 3.5F + user_bias[user] + item_bias[item];
      for (size_t f = 0; f < rank; ++f) value += pu[f] * qi[f];
      const auto noise = static_cast<float>(s.noise * random.normal());
      Ratings& to = row < train ? made.split.train : made.split.test;
      const uint64_t r = row < train ? row : row - train;
      to.user[r] = user, to.item[r] = item, to.value[r] = value + noise;
      if (row >= train) error += double{noise} * noise;
    }
    errors[first / kBlock] = error;
  });
  double sum = 0;
  for (const double error : errors) sum += error;
  made.floor = std::sqrt(sum / static_cast<double>(test));
  return made;
}

MadeExamples make_logistic(const SyntheticLogistic& s, const Runner& run) {
  require_rows(s.rows, s.features, s.nonzeros);
  require_skew(s.skew);
  require(s.noise >= 0 && s.noise <= 0.5, "noise must lie between 0 and 0.5");
  MadeExamples made;
  made.weights = normals(s.features, s.signal, mix(s.seed, kWeights));
  const Zipf zipf(s.features, s.skew);
  const Scatter scatter(s.features, mix(s.seed, kScatter));
  make_rows(made, s.rows, s.test_share, s.nonzeros, s.features, false, run,
            [&](uint64_t row, RowSlot slot) {
              Random random(mix(s.seed, kRows, row));
              draw_features(zipf, scatter, random, s.nonzeros, slot.index);
              double logit = s.bias;
              for (uint32_t i = 0; i < s.nonzeros; ++i) logit += made.weights[slot.index[i]];
              return logistic_label(logit, s.noise, random);
            });
  return made;
}

std::vector<uint32_t> field_sizes(uint32_t fields, uint32_t features) {
  require(fields > 0 && features / 2 >= fields, "features must be at least twice the fields");
  std::vector<uint32_t> sizes(fields);
  // The largest has a quarter of all, so the ratio is about 3/4 from there down to 2.
  double size = features / 4.0;
  uint64_t sum = 0;
  for (uint32_t f = fields; f-- > 0; size *= 0.75) {
    sizes[f] = static_cast<uint32_t>(std::max(2.0, size));
    sum += sizes[f];
  }
  // What is left over or too much is the largest ones' to give.
  for (uint32_t f = fields; sum > features;) {
    f = f == 0 ? fields - 1 : f - 1;
    const auto give = static_cast<uint32_t>(std::min<uint64_t>(sum - features, sizes[f] - 2));
    sizes[f] -= give, sum -= give;
  }
  sizes.back() += static_cast<uint32_t>(features - sum);
  return sizes;
}

MadeExamples make_clicks(const SyntheticClicks& s, const Runner& run) {
  require_rows(s.rows, s.features, s.fields);
  require_skew(s.skew);
  const auto sizes = field_sizes(s.fields, s.features);
  std::vector<Zipf> laws;
  std::vector<Scatter> scatters;
  for (uint32_t f = 0; f < s.fields; ++f) {
    laws.emplace_back(sizes[f], s.skew);
    scatters.emplace_back(sizes[f], mix(s.seed, kScatter, f));
  }
  MadeExamples made;
  made.weights = normals(s.features, s.signal, mix(s.seed, kWeights));
  make_rows(made, s.rows, s.test_share, s.fields, s.features, false, run,
            [&](uint64_t row, RowSlot slot) {
              Random random(mix(s.seed, kRows, row));
              double logit = s.bias;
              uint32_t base = 0;
              for (uint32_t f = 0; f < s.fields; base += sizes[f++]) {
                const uint64_t in_field = scatters[f](laws[f](random) - 1);
                slot.index[f] = base + static_cast<uint32_t>(in_field);
                logit += made.weights[slot.index[f]];
              }
              return logistic_label(logit, 0, random);
            });
  return made;
}

MadeExamples make_regression(const SyntheticRegression& s, const Runner& run) {
  require_rows(s.rows, s.features, s.nonzeros);
  require(s.true_weights <= s.features, "true_weights must not exceed features");
  require(s.noise >= 0, "noise must be 0 or more");
  MadeExamples made;
  made.weights.resize(s.features);
  const Scatter chosen(s.features, mix(s.seed, kScatter));
  Random weights(mix(s.seed, kWeights));
  for (uint32_t i = 0; i < s.true_weights; ++i) {
    const double size = weights.uniform(0.5, 1.5);
    made.weights[chosen(i)] = static_cast<float>(weights.chance(0.5) ? size : -size);
  }
  const Zipf even(s.features, 0);
  make_rows(made, s.rows, s.test_share, s.nonzeros, s.features, true, run,
            [&](uint64_t row, RowSlot slot) {
              Random random(mix(s.seed, kRows, row));
              draw_features(even, chosen, random, s.nonzeros, slot.index);
              double sum = 0;
              for (uint32_t i = 0; i < s.nonzeros; ++i) {
                slot.value[i] = static_cast<float>(random.normal());
                sum += double{slot.value[i]} * made.weights[slot.index[i]];
              }
              const double noise = s.noise * random.normal();
              return RowResult{static_cast<float>(sum + noise), noise * noise};
            });
  return made;
}

}  // namespace hemiola
