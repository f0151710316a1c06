#include <gtest/gtest.h>

#include <limits>

#include "hemiola/average/codec_for_test.h"

namespace hemiola {
namespace {

using test::decoded;
using test::encoded;
using test::normal_vector;

// A matrix with the given singular values: U diag(s) V^T with random orthonormal columns.
std::vector<float> matrix_with(const std::vector<double>& singular, size_t rows, size_t columns) {
  const auto orthonormal = [](size_t n, size_t count, uint64_t seed) {
    std::vector<std::vector<double>> all;
    Random random(seed);
    for (size_t k = 0; k < count; ++k) {
      std::vector<double> v(n);
      for (double& x : v) x = random.normal();
      for (int twice = 0; twice < 2; ++twice) {
        for (const auto& other : all) {
          double along = 0;
          for (size_t i = 0; i < n; ++i) along += v[i] * other[i];
          for (size_t i = 0; i < n; ++i) v[i] -= along * other[i];
        }
      }
      double square = 0;
      for (const double x : v) square += x * x;
      for (double& x : v) x /= std::sqrt(square);
      all.push_back(v);
    }
    return all;
  };
  const auto left = orthonormal(rows, singular.size(), 1);
  const auto right = orthonormal(columns, singular.size(), 2);
  std::vector<float> m(rows * columns);
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < columns; ++j) {
      double sum = 0;
      for (size_t k = 0; k < singular.size(); ++k) sum += singular[k] * left[k][i] * right[k][j];
      m[i * columns + j] = static_cast<float>(sum);
    }
  }
  return m;
}

struct Link {
  std::unique_ptr<const Codec> codec;
  CodecMemory memory{};
  Random random{3};

  std::vector<float> pass(std::span<const float> x) {
    test::Message message(codec->bytes_for(x.size()));
    message.resize(codec->encode(x, memory, random, message));
    return decoded(*codec, message, x.size());
  }
};

TEST(CodecLowrank, Repeated_messages_come_to_the_best_approximation_of_their_rank) {
  const std::vector<double> singular{9, 7, 5, 2, 1, 0.5};
  const auto m = matrix_with(singular, 40, 30);
  for (const size_t rank : {1u, 2u, 3u, 5u}) {
    Link link{make_codec("lowrank(" + std::to_string(rank) + ")", {{40, 30}})};
    double least = 0;  // Eckart and Young: the rest of the spectrum
    for (size_t k = rank; k < singular.size(); ++k) least += singular[k] * singular[k];
    double first = 0, error = 0;
    for (int message = 0; message < 60; ++message) {
      error = test::squared_distance(m, link.pass(m));
      if (message == 0) first = error;
      EXPECT_GE(error, least * (1 - 1e-4));
    }
    EXPECT_NEAR(error, least, 1e-3 * least) << "rank " << rank;
    EXPECT_GT(first, least * 1.001);  // one message from a random start is not there yet
  }
}

TEST(CodecLowrank, Without_its_memory_it_does_not_come_there) {
  const auto m = matrix_with({9, 7, 5, 2, 1, 0.5}, 40, 30);
  Link link{make_codec("lowrank(2)", {{40, 30}})};
  double worst = 0;
  for (int message = 0; message < 20; ++message) {
    link.memory = {};
    worst = std::max(worst, test::squared_distance(m, link.pass(m)));
  }
  EXPECT_GT(worst, 1.05 * (25 + 4 + 1 + 0.25));
}

TEST(CodecLowrank, A_matrix_of_that_rank_is_exact_at_once) {
  for (const auto& [rows, columns] : {std::pair{40, 30}, {7, 90}, {90, 7}}) {
    const auto m = matrix_with({3, 2}, rows, columns);
    for (const char* text : {"lowrank(2)", "lowrank(3)"}) {
      Link link{make_codec(text, {{static_cast<size_t>(rows), static_cast<size_t>(columns)}})};
      for (int message = 0; message < 3; ++message) {
        EXPECT_LT(test::squared_distance(m, link.pass(m)), 1e-9) << text << " " << rows;
      }
    }
  }
}

TEST(CodecLowrank, What_is_decoded_is_no_farther_than_zeros_would_be) {
  for (const size_t n : test::kLengths) {
    Link link{make_codec("lowrank(1)")};
    for (int message = 0; message < 3; ++message) {
      const auto x = normal_vector(n, n + message);
      EXPECT_LE(test::squared_distance(x, link.pass(x)), test::squares(x) * (1 + 1e-6));
    }
  }
}

TEST(CodecLowrank, A_vector_of_several_tensors_is_cut_where_they_end) {
  const auto first = matrix_with({5}, 20, 30), third = matrix_with({4}, 25, 10);
  std::vector<float> x = first;
  const auto bias = normal_vector(10, 1);
  x.insert(x.end(), bias.begin(), bias.end());
  x.insert(x.end(), third.begin(), third.end());
  Link link{make_codec("lowrank(1)", {{20, 30}, {1, 10}, {25, 10}})};
  EXPECT_LT(test::squared_distance(x, link.pass(x)), 1e-9);
  EXPECT_EQ(link.codec->bytes_for(x.size()), 4u * (50 + 10 + 35));
  const auto sent = link.pass(x);  // the bias is too thin to be cut: as it is
  EXPECT_TRUE(std::equal(bias.begin(), bias.end(), sent.begin() + 600));
}

TEST(CodecLowrank, Zeros_do_not_stop_it_for_ever) {
  Link link{make_codec("lowrank(2)", {{40, 30}})};
  const std::vector<float> zeros(1200, 0.0f);
  EXPECT_EQ(link.pass(zeros), zeros);
  const auto m = matrix_with({3, 2}, 40, 30);
  EXPECT_LT(test::squared_distance(m, link.pass(m)), 1e-9);
}

TEST(CodecLowrank, A_nan_does_not_stay_in_the_memory) {
  Link link{make_codec("lowrank(2)", {{40, 30}})};
  auto m = matrix_with({3, 2}, 40, 30);
  const float saved = m[77];
  m[77] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(link.pass(m)[77]));
  m[77] = saved;
  EXPECT_LT(test::squared_distance(m, link.pass(m)), 1e-9);
}

}  // namespace
}  // namespace hemiola
