// Where the rows are that a kernel works on. Includes nothing that defines inline functions.
#pragma once

#include <cstddef>

namespace hemiola {

// Row i is at[i], or base + i * stride when `at` is null.
struct RowPlaces {
  float* const* at = nullptr;
  float* base = nullptr;
  size_t stride = 0;
};

}  // namespace hemiola
