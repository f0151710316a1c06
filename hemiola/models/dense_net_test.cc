// Gradients against finite differences of a plain net in double, written anew here.
#include "hemiola/models/dense_net.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "hemiola/core/random.h"
#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

using Doubles = std::vector<double>;

// Layers' rows side by side, in double and as the floats that a net works on.
struct Weights {
  std::vector<Doubles> plain;
  std::vector<std::vector<float>> floats;
  std::vector<std::vector<float*>> at;
  std::vector<size_t> strides;

  Weights(const std::vector<DenseLayer>& layers, uint64_t seed, size_t state) {
    Random random(seed);
    for (const DenseLayer& layer : layers) {
      const size_t stride = layer.outputs + state;
      strides.push_back(stride);
      plain.emplace_back();
      floats.emplace_back(layer.rows() * stride);
      at.emplace_back();
      for (size_t i = 0; i < layer.rows(); ++i) {
        at.back().push_back(floats.back().data() + i * stride);
        for (size_t o = 0; o < layer.outputs; ++o) {
          const auto w = static_cast<float>(random.uniform(-0.5, 0.5));
          plain.back().push_back(w);
          at.back().back()[o] = w;
        }
      }
    }
  }

  std::vector<RowPlaces> places(bool by_pointer) {
    std::vector<RowPlaces> all;
    for (size_t l = 0; l < floats.size(); ++l) {
      all.push_back(by_pointer ? RowPlaces{at[l].data()}
                               : RowPlaces{nullptr, floats[l].data(), strides[l]});
    }
    return all;
  }
};

Doubles plain_full(const DenseLayer& layer, const Doubles& in, const Doubles& w) {
  Doubles out(layer.outputs);
  for (size_t o = 0; o < layer.outputs; ++o) {
    out[o] = w[layer.inputs() * layer.outputs + o];
    for (size_t i = 0; i < layer.inputs(); ++i) out[o] += in[i] * w[i * layer.outputs + o];
    if (layer.relu) out[o] = std::max(0.0, out[o]);
  }
  return out;
}

Doubles plain_conv(const DenseLayer& layer, const Doubles& in, const Doubles& w) {
  const auto height = static_cast<int>(layer.in.height), width = static_cast<int>(layer.in.width);
  const auto channels = static_cast<int>(layer.in.channels);
  const auto outputs = static_cast<int>(layer.outputs);
  const auto sum_at = [&](int y, int x, int o) {
    double sum = w[static_cast<size_t>(25 * channels * outputs + o)];
    for (int ky = 0; ky < 5; ++ky) {
      for (int kx = 0; kx < 5; ++kx) {
        const int sy = y + ky - 2, sx = x + kx - 2;
        if (sy < 0 || sy >= height || sx < 0 || sx >= width) continue;
        for (int c = 0; c < channels; ++c) {
          sum += in[static_cast<size_t>((sy * width + sx) * channels + c)] *
                 w[static_cast<size_t>(((ky * 5 + kx) * channels + c) * outputs + o)];
        }
      }
    }
    return sum;
  };
  Doubles out;
  for (int y = 0; y + 1 < height; y += 2) {
    for (int x = 0; x + 1 < width; x += 2) {
      for (int o = 0; o < outputs; ++o) {
        out.push_back(std::max({0.0, sum_at(y, x, o), sum_at(y, x + 1, o), sum_at(y + 1, x, o),
                                sum_at(y + 1, x + 1, o)}));
      }
    }
  }
  return out;
}

// The mean cross-entropy.
double plain_loss(const std::vector<DenseLayer>& layers, const std::vector<Doubles>& images,
                  const std::vector<uint8_t>& labels, const std::vector<Doubles>& weights) {
  double loss = 0;
  for (size_t i = 0; i < images.size(); ++i) {
    Doubles x = images[i];
    for (size_t l = 0; l < layers.size(); ++l) {
      x = layers[l].kind == DenseLayer::Kind::conv ? plain_conv(layers[l], x, weights[l])
                                                   : plain_full(layers[l], x, weights[l]);
    }
    double sum = 0;
    for (const double score : x) sum += std::exp(score);
    loss += std::log(sum) - x[labels[i]];
  }
  return loss / static_cast<double>(images.size());
}

struct Case {
  std::vector<DenseLayer> layers;
  std::vector<Doubles> images;
  std::vector<uint8_t> labels;

  Case(const DenseImageShape& shape, const std::vector<uint32_t>& filters,
       const std::vector<uint32_t>& hidden, uint32_t classes, size_t n)
      : layers(dense_layers(shape, filters, hidden, classes)) {
    Random random(5);
    for (size_t i = 0; i < n; ++i) {
      images.emplace_back();
      for (uint32_t v = 0; v < shape.values(); ++v) {
        images.back().push_back(static_cast<float>(random.uniform(-1, 1)));
      }
      labels.push_back(static_cast<uint8_t>(random.below(classes)));
    }
  }

  void put(const DensePlanes& to) const {
    const DenseImageShape& shape = layers.front().in;
    const size_t row = size_t{shape.width} * shape.channels;
    for (size_t i = 0; i < images.size(); ++i) {
      for (size_t y = 0; y < shape.height; ++y) {
        std::copy_n(images[i].begin() + static_cast<ptrdiff_t>(y * row), row, to.row(i, y));
      }
    }
  }
};

std::vector<Case> cases() {
  return {Case({3, 4, 2}, {}, {}, 5, 7), Case({4, 4, 1}, {}, {9, 6}, 4, 5),
          Case({6, 7, 2}, {3}, {}, 3, 4), Case({9, 8, 1}, {4, 5}, {6}, 3, 3)};
}

const std::vector<const DenseKernels*>& all_kernels() {
  static const std::vector<const DenseKernels*> all = [] {
    std::vector<const DenseKernels*> kernels = {&kDensePlain, &kDenseBaseline};
#if defined(__x86_64__)
    if (simd_here() >= Simd::avx2) kernels.push_back(&kDenseAvx2);
    if (simd_here() >= Simd::avx512) kernels.push_back(&kDenseAvx512);
#endif
    return kernels;
  }();
  return all;
}

TEST(DenseNet, Loss_and_scores_are_those_of_the_plain_net) {
  for (const Case& c : cases()) {
    for (const DenseKernels* kernels : all_kernels()) {
      Weights weights(c.layers, 1, 0);
      DenseNet net(c.layers, *kernels, 8);
      c.put(net.input());
      net.forward(weights.places(false), c.images.size());
      const double want = plain_loss(c.layers, c.images, c.labels, weights.plain);
      const double n = static_cast<double>(c.labels.size());
      EXPECT_NEAR(net.outcome(c.labels).loss / n, want, 1e-5 * (1 + want));
      double right = 0;
      for (size_t i = 0; i < c.labels.size(); ++i) {
        const auto scores = net.scores(i);
        right += std::max_element(scores.begin(), scores.end()) - scores.begin() == c.labels[i];
      }
      EXPECT_EQ(net.outcome(c.labels).right, right);
    }
  }
}

TEST(DenseNet, Gradients_of_every_layer_are_what_finite_differences_find) {
  for (const Case& c : cases()) {
    Weights weights(c.layers, 2, 0);
    std::vector<Doubles> found;
    for (size_t l = 0; l < c.layers.size(); ++l) {
      found.emplace_back();
      for (double& w : weights.plain[l]) {
        const double before = w, h = 1e-6;
        w = before + h;
        const double up = plain_loss(c.layers, c.images, c.labels, weights.plain);
        w = before - h;
        const double down = plain_loss(c.layers, c.images, c.labels, weights.plain);
        found.back().push_back((up - down) / (2 * h));
        w = before;
      }
    }
    for (const DenseKernels* kernels : all_kernels()) {
      for (const bool by_pointer : {false, true}) {
        DenseNet net(c.layers, *kernels, 8);
        c.put(net.input());
        const auto places = weights.places(by_pointer);
        net.forward(places, c.images.size());
        net.backward(places, c.labels);
        for (size_t l = 0; l < c.layers.size(); ++l) {
          for (size_t i = 0; i < found[l].size(); ++i) {
            ASSERT_NEAR(net.gradient(l)[i], found[l][i], 2e-5) << "layer " << l << ", value " << i;
          }
        }
      }
    }
  }
}

TEST(DenseNet, Full_layers_that_move_at_once_go_as_far_as_their_gradients_say) {
  for (const Case& c : cases()) {
    constexpr float kRate = 0.5f;
    Weights moved(c.layers, 3, 7);
    Weights kept(c.layers, 3, 7);
    const DenseKernels& kernels = *all_kernels().back();
    DenseNet net(c.layers, kernels, 8), other(c.layers, kernels, 8);
    std::vector<bool> which;
    c.put(net.input());
    c.put(other.input());
    net.forward(moved.places(false), c.images.size());
    net.backward_in_place(moved.places(false), c.labels, kRate, which);
    other.forward(kept.places(false), c.images.size());
    other.backward(kept.places(false), c.labels);
    ASSERT_EQ(which.size(), c.layers.size());
    for (size_t l = 0; l < c.layers.size(); ++l) {
      EXPECT_EQ(which[l], c.layers[l].kind == DenseLayer::Kind::full);
      for (size_t i = 0; i < c.layers[l].rows(); ++i) {
        for (size_t o = 0; o < c.layers[l].outputs + 7; ++o) {
          const bool value = o < c.layers[l].outputs;
          const float g = value ? other.gradient(l)[i * c.layers[l].outputs + o] : 0;
          ASSERT_NEAR(moved.at[l][i][o], kept.at[l][i][o] - (which[l] ? kRate * g : 0), 1e-6);
          if (!which[l] && value) {
            ASSERT_NEAR(net.gradient(l)[i * c.layers[l].outputs + o], g, 1e-6);
          }
        }
      }
    }
  }
}

TEST(DenseNet, A_batch_that_is_not_full_leaves_no_trace_of_the_one_before) {
  const Case c({9, 8, 1}, {4, 5}, {6}, 3, 8);
  Weights weights(c.layers, 4, 0);
  const auto places = weights.places(false);
  DenseNet used(c.layers, *all_kernels().back(), 8), fresh(c.layers, *all_kernels().back(), 8);
  const auto some = std::span(c.labels).first(3);
  c.put(used.input());
  used.forward(places, 8);
  used.backward(places, c.labels);
  for (DenseNet* net : {&used, &fresh}) {
    c.put(net->input());
    net->forward(places, 3);
    net->backward(places, some);
  }
  for (size_t l = 0; l < c.layers.size(); ++l) {
    const size_t n = size_t{c.layers[l].rows()} * c.layers[l].outputs;
    EXPECT_TRUE(std::equal(used.gradient(l), used.gradient(l) + n, fresh.gradient(l))) << l;
  }
}

}  // namespace
}  // namespace hemiola
