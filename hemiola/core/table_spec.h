// What a table is: name, shape, and the values that its rows start with.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "hemiola/core/types.h"

namespace hemiola {

// A pure function of (seed, table, key, column), so nobody sends initial values. Columns before
// `value_columns` get the chosen distribution, the rest (optimiser state) get `state`.
struct Initialiser {
  enum class Kind : uint8_t { constant, uniform, normal };

  Kind kind = Kind::constant;
  float a = 0;      // constant: the value; uniform: low; normal: mean
  float b = 0;      // uniform: high; normal: standard deviation
  float state = 0;  // of the columns from value_columns on
  uint64_t seed = 0;
};

// What a worker is going to do with rows that it asks for.
enum class Access : uint8_t { read, write };

struct TableSpec {
  std::string name;
  uint32_t rows = 0;
  uint32_t row_length = 0;     // floats in a row, optimiser state included
  uint32_t value_columns = 0;  // the first of them that are the model; 0: all
  Initialiser init;

  uint32_t values() const { return value_columns == 0 ? row_length : value_columns; }
};

// Floats from one row to the next: padded to cache lines where that is cheap.
uint32_t row_stride(uint32_t row_length);

// Writes the initial value of a row: row_length floats.
void initialise_row(const TableSpec& spec, Key key, std::span<float> row);

// All initial values are zero, so memory that is zero need not be written.
bool starts_as_zeros(const TableSpec& spec);

}  // namespace hemiola
