#include "hemiola/models/dense_shape.h"

#include <string>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr uint32_t kWidestLayer = 65'536;

void check_width(const char* setting, uint32_t width) {
  if (width > 0 && width <= kWidestLayer) return;
  throw UserError(std::string("dense: each number of ") + setting + " must be between 1 and " +
                  std::to_string(kWidestLayer) + ", not " + std::to_string(width));
}

}  // namespace

std::vector<DenseLayer> dense_layers(const DenseImageShape& image,
                                     const std::vector<uint32_t>& filters,
                                     const std::vector<uint32_t>& hidden, uint32_t classes) {
  std::vector<DenseLayer> layers;
  DenseImageShape in = image;
  for (const uint32_t count : filters) {
    check_width("model.filters", count);
    if (in.height < 2 || in.width < 2) {
      throw UserError("dense: images of " + std::to_string(image.height) + " x " +
                      std::to_string(image.width) + " pixels are too small for the " +
                      std::to_string(filters.size()) +
                      " layers of model.filters: each halves them");
    }
    layers.push_back({DenseLayer::Kind::conv, in, count, true});
    in = layers.back().out();
  }
  for (const uint32_t count : hidden) {
    check_width("model.hidden", count);
    layers.push_back({DenseLayer::Kind::full, in, count, true});
    in = layers.back().out();
  }
  HEMIOLA_CHECK(classes > 0);
  layers.push_back({DenseLayer::Kind::full, in, classes, false});
  return layers;
}

}  // namespace hemiola
