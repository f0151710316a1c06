#include "hemiola/models/dense_rows.h"

#include <gtest/gtest.h>

#include <barrier>
#include <thread>

#include "hemiola/models/dense_batches.h"
#include "hemiola/models/local_parameters.h"

namespace hemiola {
namespace {

std::vector<TableSpec> specs_of(const std::vector<DenseLayer>& layers) {
  std::vector<TableSpec> specs;
  for (const DenseLayer& layer : layers) {
    specs.push_back({"layer", layer.rows(), layer.outputs, layer.outputs, {}});
  }
  return specs;
}

TEST(DenseRows, Every_row_is_asked_for_when_it_is_not_here) {
  const auto layers = dense_layers({1, 3, 1}, {}, {5}, 2);
  LocalTables tables(specs_of(layers), false);
  LocalParameters here(tables), elsewhere(tables, true);
  DenseRows direct(layers, here), fetched(layers, elsewhere);
  direct.intend(7);
  fetched.intend(7);
  EXPECT_EQ(here.intended(), 0u);
  EXPECT_EQ(elsewhere.intended(), 4u + 6);
  EXPECT_TRUE(direct.plain());
  EXPECT_FALSE(fetched.plain());
  const auto one = direct.fetch(Access::write), other = fetched.fetch(Access::write);
  EXPECT_EQ(elsewhere.fetched(), 4u + 6);
  for (size_t l = 0; l < 2; ++l) {
    for (size_t i = 0; i < layers[l].rows(); ++i) {
      EXPECT_EQ(one[l].base + i * one[l].stride, other[l].at[i]);
    }
  }
}

TEST(DenseRows, Under_latches_no_thread_loses_the_change_of_another) {
  const auto layers = dense_layers({1, 1, 1}, {}, {}, 256);
  LocalTables tables(specs_of(layers), true);
  constexpr int kSteps = 500'000;
  const std::vector<float> gradient(2 * 256, 1);
  std::barrier start(2);
  const auto work = [&] {
    LocalParameters params(tables);
    const DenseRows rows(layers, params);
    EXPECT_FALSE(rows.plain());
    start.arrive_and_wait();
    for (int s = 0; s < kSteps; ++s) {
      rows.update(0, gradient.data(), dense_kernels(), {DenseStep::Kind::sgd, -1, 0, 0});
    }
  };
  std::thread other(work);
  work();
  other.join();
  for (const uint32_t k : {0U, 1U}) {
    for (const float v : tables.row(TableId{0}, Key{k})) ASSERT_EQ(v, 2 * kSteps);
  }
}

}  // namespace
}  // namespace hemiola
