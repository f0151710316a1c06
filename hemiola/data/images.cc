#include "hemiola/data/images.h"

#include <algorithm>
#include <array>

#include "hemiola/core/check.h"
#include "hemiola/data/cifar.h"
#include "hemiola/data/idx.h"
#include "hemiola/data/source.h"

namespace hemiola {
namespace {

std::vector<std::string> split_paths(const std::string& list) {
  std::vector<std::string> paths;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    const size_t first = std::min(list.find_first_not_of(' ', begin), end);
    std::string path = list.substr(first, end - first);
    while (path.ends_with(' ')) path.pop_back();
    if (!path.empty()) paths.push_back(std::move(path));
    begin = end + 1;
  }
  return paths;
}

// IDX begins with two zeros; a CIFAR batch with a label and a pixel, which are hardly ever both 0
// when the third byte is the type of an IDX file.
bool looks_like_idx(const std::string& path) {
  std::array<uint8_t, 4> head{};
  const auto source = open_source(path);
  return read_up_to(*source, head.data(), head.size()) < head.size() ||
         (head[0] == 0 && head[1] == 0 && head[2] >= 0x08 && head[2] <= 0x0E && head[3] <= 4);
}

std::string labels_beside(const std::string& images) {
  const std::string wanted = "images-idx3";
  const size_t at = images.rfind(wanted);
  if (at == std::string::npos) {
    throw UserError("the labels of " + images +
                    " are not named: its name has no `images-idx3` in it, so the file of labels "
                    "must be given");
  }
  std::string labels = images;
  return labels.replace(at, wanted.size(), "labels-idx1");
}

std::string shape_text(const Images& images) {
  return std::to_string(images.height) + " x " + std::to_string(images.width) + " x " +
         std::to_string(images.channels);
}

}  // namespace

size_t read_up_to(Source& source, uint8_t* into, size_t size) {
  size_t got = 0;
  while (got < size) {
    const size_t n = source.read(reinterpret_cast<char*>(into) + got, size - got);
    if (n == 0) break;
    got += n;
  }
  return got;
}

Images read_images(const std::string& images, const std::string& labels) {
  const std::vector<std::string> paths = split_paths(images);
  if (paths.empty()) throw UserError("no file of images is named");
  if (!looks_like_idx(paths[0])) {
    if (!labels.empty()) {
      throw UserError(paths[0] + " is no IDX file, so " + labels +
                      " is not wanted: CIFAR batches hold their labels");
    }
    return read_cifar10(paths);
  }
  if (paths.size() > 1) {
    throw UserError("several files of images are named, but " + paths[0] +
                    " is an IDX file; only CIFAR batches come in several files");
  }
  return read_idx(paths[0], labels.empty() ? labels_beside(paths[0]) : labels);
}

void check_same_kind(const Images& train, const std::string& train_path, const Images& test,
                     const std::string& test_path) {
  if (shape_text(train) != shape_text(test)) {
    throw UserError("images of " + test_path + " are " + shape_text(test) + ", but those of " +
                    train_path + " are " + shape_text(train));
  }
  for (size_t i = 0; i < test.size(); ++i) {
    if (test.labels[i] >= train.classes) {
      throw UserError("image " + std::to_string(i) + " of " + test_path + " has label " +
                      std::to_string(test.labels[i]) + ", but the labels of " + train_path +
                      " go up to " + std::to_string(train.classes - 1));
    }
  }
}

}  // namespace hemiola
