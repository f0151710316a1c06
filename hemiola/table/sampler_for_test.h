// Rows that a test moves about, distributions to draw from, and Pearson's test of what was drawn.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "hemiola/table/sampler.h"

namespace hemiola {

class RowsForTest final : public SampledRows {
 public:
  explicit RowsForTest(uint32_t keys, bool are_here = true) : here_(keys, are_here ? 1 : 0) {}

  bool all_here(TableId) const override { return all; }
  void here(TableId, std::span<const Key> keys, std::span<uint8_t> out) const override {
    for (size_t i = 0; i < keys.size(); ++i) out[i] = here_.at(keys[i].value);
    looked_at += keys.size();
  }
  void intend(TableId, std::span<const Key> keys, Clock first, Clock last) override {
    intents.push_back({std::vector<Key>(keys.begin(), keys.end()), first, last});
  }

  void set(uint32_t key, bool is_here) { here_.at(key) = is_here ? 1 : 0; }
  bool has(Key key) const { return here_.at(key.value) != 0; }
  // Each row is here with that chance.
  void scatter(double chance, Random& random) {
    for (uint8_t& h : here_) h = random.chance(chance) ? 1 : 0;
  }

  struct Intent {
    std::vector<Key> keys;
    Clock first, last;
  };
  std::vector<Intent> intents;
  mutable uint64_t looked_at = 0;
  bool all = false;  // for good

 private:
  std::vector<uint8_t> here_;
};

inline SamplerSpec uniform_keys(uint32_t count, uint32_t first = 0) {
  return {"uniform", TableId{0}, Key{first}, count, nullptr};
}

// The key i as often as (1 + i) ^ -power, but for key 3, which is never drawn.
inline SamplerSpec zipf_keys(uint32_t count, double power) {
  auto weights = std::make_shared<std::vector<float>>(count);
  for (uint32_t i = 0; i < count; ++i) {
    (*weights)[i] = static_cast<float>(std::pow(1.0 + i, -power));
  }
  if (count > 3) (*weights)[3] = 0;
  return {"zipf", TableId{0}, Key{0}, count, weights};
}

// Words of a text counted with power 1, to the 0.75 as negative samples want them.
inline SamplerSpec unigram_keys(uint32_t count) { return zipf_keys(count, 0.75); }

// How far a sum of squares is from what chance gives, in standard deviations: Wilson and
// Hilferty's cube root of the chi-square distribution.
inline double deviation(double chi_square, double degrees) {
  const double spread = 2 / (9 * degrees);
  return (std::cbrt(chi_square / degrees) - (1 - spread)) / std::sqrt(spread);
}

// Counts per cell against what is expected of each; in standard deviations. A count in a cell of
// which nothing is expected is infinitely far. Each count stands for `weight` counts.
inline double misfit(const std::vector<double>& counts, const std::vector<double>& shares,
                     double weight = 1) {
  double total = 0, mass = 0, sum = 0;
  for (const double c : counts) total += c;
  for (const double s : shares) mass += s;
  int cells = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double expected = total * shares[i] / mass;
    if (expected == 0 && counts[i] != 0) return HUGE_VAL;
    if (expected == 0) continue;
    ++cells;
    sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  return deviation(sum / weight, cells - 1);
}

// Once in 16,000 tests chance alone goes so far; the seeds are fixed.
inline constexpr double kFar = 4;

// Draws n keys in announcements of `announced`, each drawn by `at_once`.
inline std::vector<Key> draw_many(Sampler& sampler, size_t n, uint32_t announced = 100,
                                  uint32_t at_once = 7) {
  std::vector<Key> keys;
  Announcement a;
  while (keys.size() < n) {
    a = {};
    a.left = announced;
    sampler.prepare(a, Clock{0}, Clock{1});
    while (a.left > 0) {
      const uint32_t m = std::min(a.left, at_once);
      const size_t at = keys.size();
      keys.resize(at + m);
      sampler.draw(a, std::span(keys).subspan(at));
      a.left -= m;
    }
  }
  keys.resize(n);
  return keys;
}

inline std::vector<double> shares_of(const Distribution& distribution) {
  std::vector<double> shares(distribution.first().value + distribution.count());
  for (uint32_t k = 0; k < shares.size(); ++k) shares[k] = distribution.probability(Key{k});
  return shares;
}

inline std::vector<double> counts_of(std::span<const Key> keys, size_t cells) {
  std::vector<double> counts(cells);
  for (const Key key : keys) ++counts.at(key.value);
  return counts;
}

// How far the keys' frequencies are from the distribution's.
inline double marginal_misfit(std::span<const Key> keys, const Distribution& distribution,
                              double weight = 1) {
  const auto shares = shares_of(distribution);
  return misfit(counts_of(keys, shares.size()), shares, weight);
}

// How far keys a[i] and b[i] are from having nothing to do with each other.
inline double pair_misfit(std::span<const Key> a, std::span<const Key> b,
                          const Distribution& distribution) {
  const auto one = shares_of(distribution);
  std::vector<double> shares, counts(one.size() * one.size());
  for (const double x : one) {
    for (const double y : one) shares.push_back(x * y);
  }
  for (size_t i = 0; i < a.size(); ++i) ++counts[a[i].value * one.size() + b[i].value];
  return misfit(counts, shares);
}

// The same of each draw and the one that follows it, no draw being in two pairs.
inline double successor_misfit(std::span<const Key> keys, const Distribution& distribution) {
  std::vector<Key> a, b;
  for (size_t i = 0; i + 1 < keys.size(); i += 2) {
    a.push_back(keys[i]);
    b.push_back(keys[i + 1]);
  }
  return pair_misfit(a, b, distribution);
}

}  // namespace hemiola
