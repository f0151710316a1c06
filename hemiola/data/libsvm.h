// Sparse examples: text lines `label index:value index:value ... # comment` (LIBSVM's format).
//
// Empty lines and comments are skipped; line ends may be LF or CRLF. Indices of a line may be in
// any order and come out ascending; one that occurs twice in a line is an error.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/data/lines.h"

namespace hemiola {

struct SparseExamples {
  std::vector<uint64_t> offset{0};  // row r is entries offset[r] .. offset[r + 1] - 1
  std::vector<uint32_t> index;      // from 0, ascending within a row
  std::vector<float> value;         // empty when all values are 1
  std::vector<float> label;         // classes: -1 or +1; otherwise as in the file
  uint32_t features = 0;            // largest index + 1

  size_t rows() const { return label.size(); }
  size_t nonzeros() const { return index.size(); }
  bool operator==(const SparseExamples&) const = default;
};

// How a file spells its two classes: -1 and 1, 0 and 1, or 1 and 2.
struct Classes {
  float negative = 0;
  float positive = 1;

  bool operator==(const Classes&) const = default;
};

struct LibsvmOptions {
  // The number that stands for the first feature: 1 in LIBSVM's files, 0 in some.
  uint32_t first_index = 1;
  // A larger index is an error.
  uint32_t max_index = std::numeric_limits<uint32_t>::max() - 1;
  // true: labels are classes and come out as -1 and +1; false: any finite number, kept.
  bool classify = true;
  // Set for a test file to what read_libsvm said of its training file: a file in which only one
  // class occurs does not tell how it spells them. (Alone, 1 is taken as positive.)
  std::optional<Classes> classes;
};

struct LibsvmFile {
  SparseExamples examples;
  std::optional<Classes> classes;  // set when the options say classify
};

// Throws UserError with file and line. A file without any example is an error.
LibsvmFile read_libsvm(const std::string& path, const LibsvmOptions& options = {},
                       const Runner& run = in_order);

// One chunk, for readers that bring their own chunks. Pure.
struct LibsvmPart {
  std::vector<uint32_t> lengths;  // of each row
  std::vector<float> label;       // as in the file
  // Only the first `nonzeros` entries of each count; the rest is room kept for the next chunk.
  std::vector<uint32_t> index;
  std::vector<float> value;
  size_t nonzeros = 0;
  bool all_ones = true;
  uint32_t features = 0;
  // Up to three different labels, and the lines (from 1) where each was first seen.
  std::vector<std::pair<float, uint64_t>> labels_seen;
  uint64_t lines = 0;
  std::optional<LineError> error;
};
void parse_libsvm(std::string_view chunk, const LibsvmOptions& options, LibsvmPart& part);

}  // namespace hemiola
