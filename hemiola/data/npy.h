// The .npy format, version 1.0, as numpy.load reads it: a magic text, a header that is a Python
// dictionary, padded so that the data begin at a multiple of 64 bytes, and the data.
//
// Source: numpy.lib.format, "NPY format".
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "hemiola/data/publish.h"

namespace hemiola {

// A matrix of 32-bit floats, written a piece at a time. The file appears whole, by commit(), or
// not at all. Throws UserError when the disk does not do what is asked.
class NpyWriter {
 public:
  NpyWriter(std::string path, uint64_t rows, uint64_t columns);

  void write(std::span<const float> values);
  // REQUIRES: rows * columns values were written.
  void commit();

  uint64_t bytes() const { return bytes_; }  // of the file so far

 private:
  void append(const void* data, size_t size);

  Publisher file_;
  std::string buffer_;
  uint64_t left_;  // values that are still to come
  uint64_t bytes_ = 0;
};

// What stands before the data.
std::string npy_header(uint64_t rows, uint64_t columns);

}  // namespace hemiola
