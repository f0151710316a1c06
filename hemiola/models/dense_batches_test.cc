#include "hemiola/models/dense_batches.h"

#include <gtest/gtest.h>

#include <set>

#include "hemiola/core/random.h"

namespace hemiola {
namespace {

constexpr DenseImageShape kShape{4, 5, 2};

struct Made {
  std::vector<uint8_t> pixels, labels;

  explicit Made(size_t n) {
    Random random(1);
    for (size_t i = 0; i < n; ++i) labels.push_back(static_cast<uint8_t>(i));
    for (size_t i = 0; i < n * kShape.values(); ++i) {
      pixels.push_back(static_cast<uint8_t>(random.below(256)));
    }
  }
  DenseImages images() const { return {pixels, labels}; }
};

const DenseScale kAsTheyAre{{0, 0}, {1, 1}};

// Pixel (y, x) of the batch's image i, channel c.
float at(const DensePlanes& planes, size_t i, size_t y, size_t x, size_t c) {
  return planes.row(i, y)[x * kShape.channels + c];
}
uint8_t source(const Made& made, size_t image, size_t y, size_t x, size_t c) {
  return made.pixels[image * kShape.values() + (y * kShape.width + x) * kShape.channels + c];
}

TEST(DenseBatches, Each_channel_gets_mean_0_and_deviation_1) {
  const Made made(50);
  const DenseBatches batches(made.images(), kShape, DenseScale::of(made.pixels, 2));
  const DensePlanes planes(kShape, 2, 50);
  std::vector<uint8_t> labels(50);
  batches.fill(0, labels, planes);
  EXPECT_EQ(labels, made.labels);
  for (size_t c = 0; c < 2; ++c) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < 50 * 20; ++i) {
      const double v = at(planes, i / 20, i / 5 % 4, i % 5, c);
      sum += v, squares += v * v;
    }
    EXPECT_NEAR(sum / 1000, 0, 1e-5);
    EXPECT_NEAR(squares / 1000, 1, 1e-5);
  }
  EXPECT_EQ(DenseScale::of(std::vector<uint8_t>(8, 9), 2).deviation, (std::vector<float>{1, 1}));
}

TEST(DenseBatches, An_epoch_shows_each_image_once_in_an_order_of_its_own) {
  const Made made(101);
  const DenseBatches batches(made.images(), kShape, kAsTheyAre);
  const DensePlanes planes(kShape, 0, 101);
  std::vector<std::vector<uint8_t>> orders;
  for (uint32_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<uint8_t> labels(101);
    const auto all = std::span(labels);
    batches.fill_shuffled(7, epoch, 0, {}, all.first(40), planes);
    batches.fill_shuffled(7, epoch, 40, {}, all.subspan(40), planes);
    EXPECT_EQ(std::set<uint8_t>(labels.begin(), labels.end()).size(), 101u);
    for (size_t i = 40; i < 101; ++i) {
      ASSERT_EQ(at(planes, i - 40, 3, 2, 1), source(made, labels[i], 3, 2, 1));
    }
    orders.push_back(labels);
  }
  EXPECT_NE(orders[0], orders[1]);
  EXPECT_NE(orders[1], orders[2]);
}

// Whether the image is the source moved by (down, right), turned or not, zeros where nothing came.
bool is_moved(const Made& made, size_t image, const DensePlanes& planes, size_t i, int down,
              int right, bool flip) {
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 5; ++x) {
      const int sy = y - down, sx = x - right;
      const bool inside = sy >= 0 && sy < 4 && sx >= 0 && sx < 5;
      for (size_t c = 0; c < 2; ++c) {
        const float want = !inside ? 0
                                   : source(made, image, static_cast<size_t>(sy),
                                            static_cast<size_t>(flip ? 4 - sx : sx), c);
        if (at(planes, i, static_cast<size_t>(y), static_cast<size_t>(x), c) != want) return false;
      }
    }
  }
  return true;
}

TEST(DenseBatches, Images_are_shifted_and_flipped_in_all_ways_and_the_rest_is_zero) {
  const Made made(200);
  const DenseBatches batches(made.images(), kShape, kAsTheyAre);
  const DensePlanes planes(kShape, 2, 200);
  std::vector<uint8_t> labels(200);
  batches.fill_shuffled(1, 0, 0, {}, labels, planes);  // what it leaves behind must not show
  batches.fill_shuffled(1, 1, 0, {2, true}, labels, planes);
  std::set<int> ways;
  for (size_t i = 0; i < 200; ++i) {
    const size_t had = ways.size();
    bool found = false;
    for (int way = 0; way < 50 && !found; ++way) {
      found = is_moved(made, labels[i], planes, i, way / 2 % 5 - 2, way / 10 - 2, way % 2);
      if (found) ways.insert(way);
    }
    ASSERT_TRUE(found) << "image " << i << " after " << had << " ways";
    for (size_t p = 0; p < 2 * planes.pitch(); ++p) ASSERT_EQ(planes.begin(i)[p], 0);
  }
  EXPECT_GT(ways.size(), 45u);
}

TEST(DenseBatches, A_shift_beyond_the_image_leaves_nothing_of_it) {
  const Made made(60);
  const DenseBatches batches(made.images(), kShape, kAsTheyAre);
  const DensePlanes planes(kShape, 0, 60);
  std::vector<uint8_t> labels(60);
  batches.fill_shuffled(1, 0, 0, {1000, false}, labels, planes);
  float sum = 0;
  for (size_t i = 0; i < 60 * planes.image(); ++i) sum += planes.begin(0)[i];
  EXPECT_EQ(sum, 0);
}

}  // namespace
}  // namespace hemiola
