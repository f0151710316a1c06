// The area under the ROC curve from counts that add up across machines: scores are counted in
// bins by class, and two scores in one bin count as a tie.
#pragma once

#include <span>

namespace hemiola {

class ScoreHistogram {
 public:
  static constexpr size_t kBins = 4096;
  static constexpr size_t kSums = 2 * kBins;
  // Bins are narrow near 0 and widen outwards; scores beyond +-kReach share the last ones.
  static constexpr double kReach = 16;

  // REQUIRES: sums.size() == kSums.
  static void add(std::span<double> sums, double score, bool positive);

  // Below 0 when one of the classes is missing.
  static double auc(std::span<const double> sums);
};

}  // namespace hemiola
