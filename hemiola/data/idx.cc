#include "hemiola/data/idx.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "hemiola/core/check.h"
#include "hemiola/data/publish.h"
#include "hemiola/data/source.h"

namespace hemiola {
namespace {

constexpr uint32_t kImages = 0x803, kLabels = 0x801;  // bytes, in three dimensions and in one
constexpr uint32_t kMostPixels = 1 << 24;
constexpr size_t kPiece = 4 << 20;

std::string magic_text(uint32_t magic) {
  char text[16];
  std::snprintf(text, sizeof text, "%08x", magic);
  return text;
}

// A file of one kind, read number by number.
class IdxFile {
 public:
  IdxFile(const std::string& path, uint32_t magic, const char* what)
      : path_(path), what_(what), source_(open_source(path)) {
    const uint32_t found = number();
    if (found == magic) return;
    const bool other = found == kImages || found == kLabels;
    throw UserError(
        path + " is no IDX file of " + what + ": it begins with " + magic_text(found) + ", where " +
        magic_text(magic) + " is wanted" +
        (other ? std::string(", so it is one of ") + (found == kImages ? "images" : "labels")
               : ""));
  }

  uint32_t number() {
    std::array<uint8_t, 4> b{};
    if (read_up_to(*source_, b.data(), b.size()) < b.size()) {
      throw UserError(path_ + " ends in its header, so it is no IDX file of " + what_);
    }
    return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | b[3];
  }

  // `count` things of `size` bytes, and nothing after them. Memory grows only as bytes come, so
  // that a broken header does not ask for more than the file has.
  std::vector<uint8_t> rest(uint64_t count, uint64_t size) {
    std::vector<uint8_t> bytes;
    for (const uint64_t wanted = count * size; bytes.size() < wanted;) {
      const size_t had = bytes.size(), piece = std::min<uint64_t>(kPiece, wanted - had);
      bytes.resize(had + piece);
      const size_t got = read_up_to(*source_, bytes.data() + had, piece);
      if (got < piece) {
        throw UserError(path_ + " ends after " + std::to_string((had + got) / size) + " of " +
                        std::to_string(count) + " " + what_);
      }
    }
    uint8_t more = 0;
    if (read_up_to(*source_, &more, 1) > 0) {
      throw UserError(path_ + " goes on after the " + std::to_string(count) + " " + what_ +
                      " that its header speaks of");
    }
    return bytes;
  }

 private:
  std::string path_;
  std::string what_;
  std::unique_ptr<Source> source_;
};

void write_numbers(Publisher& file, std::initializer_list<uint32_t> numbers) {
  for (const uint32_t n : numbers) {
    const std::array<uint8_t, 4> bytes = {static_cast<uint8_t>(n >> 24),
                                          static_cast<uint8_t>(n >> 16),
                                          static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)};
    file.write(bytes.data(), bytes.size());
  }
}

}  // namespace

Images read_idx(const std::string& images, const std::string& labels) {
  Images set;
  IdxFile image_file(images, kImages, "images");
  const uint32_t count = image_file.number();
  set.height = image_file.number();
  set.width = image_file.number();
  set.channels = 1;
  const uint64_t pixels = uint64_t{set.height} * set.width;
  if (count == 0 || pixels == 0 || pixels > kMostPixels) {
    throw UserError(images + " says that it has " + std::to_string(count) + " images of " +
                    std::to_string(set.height) + " x " + std::to_string(set.width) +
                    " pixels, which cannot be");
  }
  IdxFile label_file(labels, kLabels, "labels");
  const uint32_t label_count = label_file.number();
  if (label_count != count) {
    throw UserError(labels + " has " + std::to_string(label_count) + " labels, but " + images +
                    " has " + std::to_string(count) + " images");
  }
  set.labels = label_file.rest(count, 1);
  set.pixels = image_file.rest(count, pixels);
  set.classes = *std::max_element(set.labels.begin(), set.labels.end()) + 1U;
  return set;
}

void write_idx(const Images& set, const std::string& images, const std::string& labels) {
  HEMIOLA_CHECK(set.channels == 1);
  const auto count = static_cast<uint32_t>(set.size());
  Publisher image_file(images), label_file(labels);
  write_numbers(image_file, {kImages, count, set.height, set.width});
  image_file.write(set.pixels.data(), set.pixels.size());
  write_numbers(label_file, {kLabels, count});
  label_file.write(set.labels.data(), set.labels.size());
  image_file.sync();
  label_file.sync();
  image_file.commit();
  label_file.commit();
}

}  // namespace hemiola
