// The layers of a dense net: what each takes and gives.
#pragma once

#include <cstdint>
#include <vector>

namespace hemiola {

struct DenseImageShape {
  uint32_t height = 0;
  uint32_t width = 0;
  uint32_t channels = 0;

  uint32_t values() const { return height * width * channels; }
};

// full: each output sees all inputs. conv: each output is a filter over 5 x 5 pixels, the image
// taken as surrounded by zeros; then the largest of each 2 x 2 pixels, so that half of the height
// and of the width is left, rounded down.
// A layer is one table: a row of outputs for each input (of a filter: row, column and channel of
// the patch, the channel running fastest), and a last row of biases.
struct DenseLayer {
  enum class Kind : uint8_t { full, conv };
  static constexpr uint32_t kSide = 5;
  static constexpr uint32_t kAround = 2;  // pixels that the sides of a filter reach outwards

  Kind kind = Kind::full;
  DenseImageShape in;  // of full: any image is as good as a list of its values
  uint32_t outputs = 0;
  bool relu = true;  // what is below zero becomes zero; always of conv

  uint32_t inputs() const { return kind == Kind::conv ? kSide * kSide * in.channels : in.values(); }
  uint32_t rows() const { return inputs() + 1; }
  DenseImageShape out() const {
    if (kind == Kind::full) return {1, 1, outputs};
    return {in.height / 2, in.width / 2, outputs};
  }
};

// Convolutions with so many filters each, then full layers with so many outputs, then the classes.
// Throws UserError when an image is too small for its convolutions, or a count is 0 or too large.
std::vector<DenseLayer> dense_layers(const DenseImageShape& image,
                                     const std::vector<uint32_t>& filters,
                                     const std::vector<uint32_t>& hidden, uint32_t classes);

}  // namespace hemiola
