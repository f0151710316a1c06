#include "hemiola/data/write.h"

#include <charconv>
#include <vector>

#include "hemiola/data/publish.h"

namespace hemiola {
namespace {

class TextFile {
 public:
  explicit TextFile(const std::string& path) : file_(path), buffer_(kBytes + kLongest) {}

  template <class Number>
  TextFile& number(Number value) {
    at_ = static_cast<size_t>(
        std::to_chars(buffer_.data() + at_, buffer_.data() + buffer_.size(), value).ptr -
        buffer_.data());
    return *this;
  }

  TextFile& character(char c) {
    buffer_[at_++] = c;
    if (at_ >= kBytes) flush();
    return *this;
  }

  void commit() {
    flush();
    file_.commit();
  }

 private:
  static constexpr size_t kBytes = 1 << 20;
  static constexpr size_t kLongest = 128;  // room for one number

  void flush() {
    file_.write(buffer_.data(), at_);
    at_ = 0;
  }

  Publisher file_;
  std::vector<char> buffer_;
  size_t at_ = 0;
};

}  // namespace

void write_ratings(const std::string& path, const Ratings& ratings) {
  TextFile file(path);
  for (size_t i = 0; i < ratings.size(); ++i) {
    file.number(ratings.user[i]).character(' ');
    file.number(ratings.item[i]).character(' ');
    file.number(ratings.value[i]).character('\n');
  }
  file.commit();
}

void write_libsvm(const std::string& path, const SparseExamples& examples) {
  TextFile file(path);
  for (size_t row = 0; row < examples.rows(); ++row) {
    file.number(examples.label[row]);
    for (uint64_t i = examples.offset[row]; i < examples.offset[row + 1]; ++i) {
      file.character(' ').number(uint64_t{examples.index[i]} + 1).character(':');
      if (examples.value.empty()) {
        file.character('1');
      } else {
        file.number(examples.value[i]);
      }
    }
    file.character('\n');
  }
  file.commit();
}

}  // namespace hemiola
