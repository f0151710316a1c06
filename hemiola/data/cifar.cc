#include "hemiola/data/cifar.h"

#include "hemiola/core/check.h"
#include "hemiola/data/source.h"

namespace hemiola {
namespace {

constexpr uint32_t kSide = 32, kChannels = 3, kClasses = 10;
constexpr size_t kPlane = kSide * kSide, kImage = kChannels * kPlane;

void read_batch(const std::string& path, Images& set) {
  const auto source = open_source(path);
  std::vector<uint8_t> record(1 + kImage);
  for (size_t number = 0;; ++number) {
    const size_t got = read_up_to(*source, record.data(), record.size());
    if (got == 0 && number > 0) return;
    if (got < record.size()) {
      throw UserError(path + (number == 0
                                  ? " is neither an IDX file nor a CIFAR batch: it has " +
                                        std::to_string(got) + " bytes, less than an image"
                                  : " ends in the middle of image " + std::to_string(number) +
                                        " (from 0); an image of a CIFAR batch is " +
                                        std::to_string(record.size()) + " bytes"));
    }
    if (record[0] >= kClasses) {
      throw UserError(path + " is no CIFAR-10 batch, or damaged: image " + std::to_string(number) +
                      " (from 0) has label " + std::to_string(record[0]) +
                      ", and labels are 0 to " + std::to_string(kClasses - 1));
    }
    set.labels.push_back(record[0]);
    const size_t at = set.pixels.size();
    set.pixels.resize(at + kImage);
    for (size_t c = 0; c < kChannels; ++c) {
      const uint8_t* plane = record.data() + 1 + c * kPlane;
      for (size_t p = 0; p < kPlane; ++p) set.pixels[at + p * kChannels + c] = plane[p];
    }
  }
}

}  // namespace

Images read_cifar10(const std::vector<std::string>& paths) {
  Images set;
  set.height = set.width = kSide;
  set.channels = kChannels;
  set.classes = kClasses;
  for (const std::string& path : paths) read_batch(path, set);
  return set;
}

}  // namespace hemiola
