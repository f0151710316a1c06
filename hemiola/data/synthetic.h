// Data sets that are made instead of downloaded: pure functions of their settings, with a
// planted model behind them, so that it is known how good any learner can become.
//
// Rows are independent; the last ones are the test set. A Runner only changes how fast they are
// made. Logarithms and exponentials come from the C library, so another C library may give other
// last bits.
#pragma once

#include <cstdint>
#include <vector>

#include "hemiola/data/libsvm.h"
#include "hemiola/data/lines.h"
#include "hemiola/data/ratings.h"

namespace hemiola {

// rating = 3.5 + user's bias + item's bias + user's factors . item's factors + noise, all normal;
// the product of factors has standard deviation `signal`, each bias `bias`.
// No learner can have a lower expected RMSE than `noise`.
struct SyntheticRatings {
  uint32_t users = 20'000;
  uint32_t items = 5'000;
  uint64_t ratings = 1'000'000;
  uint32_t rank = 8;
  float noise = 0.75F;  // standard deviation
  float signal = 0.7F;
  float bias = 0.3F;
  double user_skew = 0.6;  // exponents of the power laws by which users and items are drawn
  double item_skew = 0.9;
  double test_share = 0.1;
  uint64_t seed = 1;
};

struct MadeRatings {
  RatingsSplit split;
  double floor = 0;  // RMSE of the planted model on the test set; close to `noise`
};

MadeRatings make_ratings(const SyntheticRatings& settings, const Runner& run = in_order);

// Rows of `nonzeros` different features with value 1, features drawn by a power law. The label
// is +1 with the logistic probability of bias + the sum of the row's planted weights, which are
// normal with standard deviation `signal`; then a share `noise` of the labels is turned round.
struct SyntheticLogistic {
  uint64_t rows = 1'000'000;  // train and test together
  uint32_t features = 1'000'000;
  uint32_t nonzeros = 20;
  double skew = 1.1;
  double signal = 0.7;
  double bias = -1;
  double noise = 0;
  double test_share = 0.1;
  uint64_t seed = 1;
};

// A click log in the shape of the well-known advertising sets: `fields` one-hot fields, whose
// sizes grow geometrically from 2 to a quarter of all features, values drawn by a power law
// within each field. As SyntheticLogistic otherwise. With the defaults the floor is 0.3655, but
// most features are too rare to be learnt: LIBLINEAR (-s 0 -c 0.1) reaches log-loss 0.4344, AUC
// 0.831.
struct SyntheticClicks {
  uint64_t rows = 1'000'000;
  uint32_t features = 880'520;
  uint32_t fields = 39;
  double skew = 0.6;
  double signal = 0.37;
  double bias = -1.83;
  double test_share = 0.1;
  uint64_t seed = 1;
};

// Least squares for the Lasso: features drawn uniformly, values normal, and
// label = row . weights + noise, where only `true_weights` of the weights are not 0: they are
// between 0.5 and 1.5 or their negatives.
struct SyntheticRegression {
  uint64_t rows = 100'000;
  uint32_t features = 100'000;
  uint32_t nonzeros = 25;
  uint32_t true_weights = 1'000;
  double noise = 0.1;
  double test_share = 0.1;
  uint64_t seed = 1;
};

struct MadeExamples {
  SparseExamples train, test;  // both with the same `features`
  std::vector<float> weights;  // the planted ones
  double floor = 0;            // the planted model on the test set: log-loss, or mean squared error
};

// Throw UserError naming the setting that cannot be.
MadeExamples make_logistic(const SyntheticLogistic& settings, const Runner& run = in_order);
MadeExamples make_clicks(const SyntheticClicks& settings, const Runner& run = in_order);
MadeExamples make_regression(const SyntheticRegression& settings, const Runner& run = in_order);

// The sizes of the fields of make_clicks; they add up to `features`.
std::vector<uint32_t> field_sizes(uint32_t fields, uint32_t features);

}  // namespace hemiola
