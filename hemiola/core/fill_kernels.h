// Chance by the row, for one instruction set. Includes nothing that defines inline functions, so
// that the files compiled per instruction set leak none of them.
#pragma once

#include <cstddef>

namespace hemiola {

// Contract of both: value i is a pure function of (place, i, the two floats), the same bits on
// every machine; 24 bits of chance are in it. Different places give unrelated rows.
struct FillKernels {
  const char* name = nullptr;

  // Even from low up to high.
  void (*uniform)(float* out, size_t n, unsigned long place, float low, float high) = nullptr;

  // Within 5.3 standard deviations of the mean.
  void (*normal)(float* out, size_t n, unsigned long place, float mean, float deviation) = nullptr;
};

extern const FillKernels kFillPlain;     // the oracle of the tests: one value at a time
extern const FillKernels kFillBaseline;  // what every machine of this architecture has
#if defined(__x86_64__)
extern const FillKernels kFillAvx2;
extern const FillKernels kFillAvx512;
#endif

}  // namespace hemiola
