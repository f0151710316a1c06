// How rows travel: as floats, or in fewer bytes with an error that is known.
//
// bf16: each value to the nearest number of 8 bits. quantise(B): each value to the nearest multiple
// of a step that is a power of two, the least with which the row's largest value fits in B bits.
// Columns of optimiser state go as bf16 towards zero under both: a sum that only grows is then
// never told larger than it is, however much smaller it is than its neighbours.
//
// All are pure functions, alike on every machine, so both ends know to the bit what was sent. What
// is not sent of a change stays in the copy that it was made to, and goes with the next
// (table/holder.h). A row that is sent whole is only read: its error is gone with the next one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hemiola/core/table_spec.h"

namespace hemiola {

struct RowCoding {
  enum class Kind : uint8_t { floats, bf16, quantise };

  Kind kind = Kind::floats;
  uint32_t bits = 0;  // quantise: 2, 4 or 8

  bool lossy() const { return kind != Kind::floats; }
  // Of whole rows that are read: not coarser than 8 bits.
  RowCoding of_reads() const { return {kind, bits == 0 ? 0u : 8u}; }
};

// none, bf16, quantise(2), quantise(4), quantise(8). Throws UserError that names them.
RowCoding parse_row_coding(std::string_view text);

// The rows of one table under a coding. Every row takes the same number of bytes, a multiple of 4.
class RowForm {
 public:
  explicit RowForm(uint32_t row_length) : RowForm(row_length, row_length, {}) {}
  // `values` columns are the model, the others state.
  RowForm(uint32_t row_length, uint32_t values, RowCoding coding);

  uint32_t row_length() const { return row_length_; }
  bool lossy() const { return coding_.lossy(); }
  size_t bytes() const { return bytes_; }

  void encode(const float* row, std::byte* to) const;
  void decode(const std::byte* from, float* row) const;

 private:
  uint32_t row_length_;
  uint32_t values_;
  RowCoding coding_;
  size_t bytes_;
};

}  // namespace hemiola
