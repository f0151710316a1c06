#include "hemiola/models/score_histogram.h"

#include <algorithm>
#include <cmath>

namespace hemiola {

void ScoreHistogram::add(std::span<double> sums, double score, bool positive) {
  constexpr double kNarrow = 8;  // times the width of bins far out
  const double spread = std::asinh(kNarrow * score) / std::asinh(kNarrow * kReach);
  const double at = (spread + 1) / 2 * kBins;
  const auto bin = static_cast<size_t>(std::clamp(at, 0.0, static_cast<double>(kBins - 1)));
  sums[positive ? kBins + bin : bin] += 1;
}

double ScoreHistogram::auc(std::span<const double> sums) {
  double negatives = 0, positives = 0, right_pairs = 0;
  for (size_t bin = 0; bin < kBins; ++bin) {
    right_pairs += sums[kBins + bin] * (negatives + sums[bin] / 2);
    negatives += sums[bin];
    positives += sums[kBins + bin];
  }
  if (negatives == 0 || positives == 0) return -1;
  return right_pairs / (negatives * positives);
}

}  // namespace hemiola
