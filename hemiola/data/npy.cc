#include "hemiola/data/npy.h"

#include <bit>
#include <utility>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

static_assert(std::endian::native == std::endian::little, "floats are written as they stand");
constexpr size_t kBufferBytes = 1 << 20;

}  // namespace

std::string npy_header(uint64_t rows, uint64_t columns) {
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) +
                     ", " + std::to_string(columns) + "), }";
  constexpr size_t kBefore = 10;  // magic, version, length
  while ((kBefore + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(text.size() & 0xFF);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

NpyWriter::NpyWriter(std::string path, uint64_t rows, uint64_t columns)
    : file_(std::move(path)), left_(rows * columns) {
  const std::string header = npy_header(rows, columns);
  append(header.data(), header.size());
}

void NpyWriter::write(std::span<const float> values) {
  HEMIOLA_CHECK(values.size() <= left_);
  left_ -= values.size();
  append(values.data(), values.size_bytes());
}

void NpyWriter::append(const void* data, size_t size) {
  bytes_ += size;
  buffer_.append(static_cast<const char*>(data), size);
  if (buffer_.size() < kBufferBytes) return;
  file_.write(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void NpyWriter::commit() {
  HEMIOLA_CHECK(left_ == 0);
  file_.write(buffer_.data(), buffer_.size());
  buffer_.clear();
  file_.commit();
}

}  // namespace hemiola
