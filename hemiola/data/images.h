// Labelled images, as bytes, and where they come from: IDX files or CIFAR-10 batches.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hemiola {

class Source;

struct Images {
  uint32_t height = 0;
  uint32_t width = 0;
  uint32_t channels = 0;
  uint32_t classes = 0;  // labels are 0 .. classes - 1
  std::vector<uint8_t>
      pixels;  // image after image, row after row; the channels of a pixel together
  std::vector<uint8_t> labels;

  size_t size() const { return labels.size(); }
  size_t image_bytes() const { return size_t{height} * width * channels; }
};

// Reads a set: either one IDX file of images with one of labels, or CIFAR-10 batches; which, the
// first bytes tell. `images` names a file, or several by commas; `labels` is for IDX, and when
// empty it is found by its usual name (images-idx3 becomes labels-idx1).
// Throws UserError naming the file and what is wrong with it.
Images read_images(const std::string& images, const std::string& labels);

// Throws UserError when images of the two sets differ in shape, or a test label is unknown.
void check_same_kind(const Images& train, const std::string& train_path, const Images& test,
                     const std::string& test_path);

// As many bytes as there are, up to `size`.
size_t read_up_to(Source& source, uint8_t* into, size_t size);

}  // namespace hemiola
