// The safetensors format: tensors that NumPy, PyTorch and others read as they are.
//
//   8 bytes   length of the header, little-endian
//   header    JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...,
//             "__metadata__": {"key": "text"}}, blanks behind it
//   data      the tensors, row by row, little-endian; offsets count from here, without gaps
//
// Source: the format's README, github.com/huggingface/safetensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hemiola/data/publish.h"

namespace hemiola {

enum class DType : uint8_t { f32, u32 };  // four bytes both

struct TensorInfo {
  std::string name;
  DType dtype = DType::f32;
  std::vector<uint64_t> shape;

  uint64_t bytes() const;  // REQUIRES: it fits, as it does in what SafetensorsFile gives
};

using TextPairs = std::map<std::string, std::string>;

// Writes the tensors from their first float to their last, a piece at a time, so that nobody needs
// them in one place. The file appears whole, by commit(), or not at all. All throw UserError when
// the disk does not do what is asked.
class SafetensorsWriter {
 public:
  // REQUIRES: different names, none of them "__metadata__".
  SafetensorsWriter(std::string path, const std::vector<TensorInfo>& tensors,
                    const TextPairs& metadata = {}, const FileStore& store = disk());

  // The next piece of the data.
  void write(std::span<const float> values) { write(std::as_bytes(values)); }
  void write(std::span<const uint32_t> values) { write(std::as_bytes(values)); }
  void write(std::span<const std::byte> data);

  // All is on the disk, but not yet at its place. REQUIRES: all tensors were written whole.
  void finish();
  // Puts the file in its place; finishes it first, if need be.
  void commit();

  // Once finished: size and checksum of the file.
  uint64_t bytes() const { return bytes_; }
  uint32_t crc32() const { return crc_; }

 private:
  void drain();

  Publisher file_;
  std::vector<std::byte> buffer_;
  uint64_t expected_ = 0;  // size of the whole file
  uint64_t bytes_ = 0;     // so far, the buffer included
  uint32_t crc_ = 0;       // without the buffer
  bool finished_ = false;
};

// A file, mapped; all that its header says was checked against its size. Throws UserError, one
// sentence that begins with the path, for anything that is not as above. Tensors of types that are
// not known here may be in it, as long as nobody asks for them.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(std::string path);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  // Of the known types, in the order of the header.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  const TextPairs& metadata() const { return metadata_; }
  uint64_t bytes() const { return size_; }
  uint32_t crc32() const;  // of the whole file, as crc32 of zlib, gzip and zip

  // nullptr: not there.
  const TensorInfo* find(std::string_view name) const;
  // Throws UserError when it is not there, of another type, or has another number of dimensions.
  const TensorInfo& tensor(std::string_view name, DType dtype, size_t dimensions) const;
  // As they stand in the file, at any alignment. REQUIRES: tensor is one of this file's.
  std::span<const std::byte> data(const TensorInfo& tensor) const;

 private:
  [[noreturn]] void fail(const std::string& what) const;
  void map();
  void read_header();

  std::string path_;
  const std::byte* map_ = nullptr;
  uint64_t size_ = 0;
  uint64_t data_begin_ = 0;
  std::vector<TensorInfo> tensors_;
  std::vector<uint64_t> begin_;  // by tensor: from data_begin_
  TextPairs metadata_;
};

// The checksum of zlib, gzip and zip; goes on from that of what stands before.
uint32_t crc32(std::span<const std::byte> bytes, uint32_t before = 0);

}  // namespace hemiola
