#include "hemiola/models/dense_shape.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

TEST(DenseShape, Layers_follow_each_other) {
  const auto layers = dense_layers({28, 28, 1}, {32, 64}, {128}, 10);
  ASSERT_EQ(layers.size(), 4u);
  EXPECT_EQ(layers[0].rows(), 26u);
  EXPECT_EQ(layers[1].in.height, 14u);
  EXPECT_EQ(layers[1].rows(), 25u * 32 + 1);
  EXPECT_EQ(layers[2].rows(), 7u * 7 * 64 + 1);
  EXPECT_EQ(layers[3].rows(), 129u);
  EXPECT_EQ(layers[3].outputs, 10u);
  EXPECT_TRUE(layers[2].relu);
  EXPECT_FALSE(layers[3].relu);
}

TEST(DenseShape, An_odd_side_loses_its_last_pixel) {
  const auto layers = dense_layers({7, 9, 3}, {4}, {}, 2);
  EXPECT_EQ(layers[0].out().height, 3u);
  EXPECT_EQ(layers[0].out().width, 4u);
  EXPECT_EQ(layers[1].rows(), 3u * 4 * 4 + 1);
}

std::string error_of(const DenseImageShape& image, const std::vector<uint32_t>& filters,
                     const std::vector<uint32_t>& hidden) {
  try {
    dense_layers(image, filters, hidden, 10);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(DenseShape, Layers_that_cannot_be_are_errors_with_names) {
  EXPECT_EQ(error_of({4, 4, 1}, {2, 2, 2}, {}),
            "dense: images of 4 x 4 pixels are too small for the 3 layers of model.filters: each "
            "halves them");
  EXPECT_EQ(error_of({4, 4, 1}, {}, {8, 0}),
            "dense: each number of model.hidden must be between 1 and 65536, not 0");
  EXPECT_EQ(error_of({4, 4, 1}, {70'000}, {}),
            "dense: each number of model.filters must be between 1 and 65536, not 70000");
}

}  // namespace
}  // namespace hemiola
