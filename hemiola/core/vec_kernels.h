// The float kernels of one instruction set, as pointers. Includes nothing that defines inline
// functions, so that the files compiled per instruction set leak none of them.
#pragma once

#include <cstddef>

namespace hemiola {

// Contract of all of them: n may be 0, pointers need no alignment, ranges do not overlap unless it
// is said that they may be the same.
// Other threads may read or change the same floats meanwhile: each float is then read once and
// written once, and the last writer of a float wins. No kernel calls out, blocks or throws.
struct VecKernels {
  const char* name = nullptr;

  void (*copy)(float* to, const float* from, size_t n) = nullptr;
  void (*add)(float* to, const float* from, size_t n) = nullptr;            // to += from
  void (*subtract)(float* to, const float* from, size_t n) = nullptr;       // to -= from
  void (*axpy)(float* to, float a, const float* from, size_t n) = nullptr;  // to += a * from
  float (*dot)(const float* x, const float* y, size_t n) = nullptr;

  // delta = value - base, then base = value. Tells whether any delta differs from +0.
  bool (*take_delta)(const float* value, float* base, float* delta, size_t n) = nullptr;

  // Takes in a new base without losing what was added to value since the last one:
  // value = fresh + (value - base), then base = fresh.
  void (*refresh)(float* value, float* base, const float* fresh, size_t n) = nullptr;

  // to = also = (x + y) * by, rounded alike on every machine. `also` may be x or y itself.
  void (*add_and_scale)(float* to, float* also, const float* x, const float* y, float by,
                        size_t n) = nullptr;
};

extern const VecKernels kVecPlain;     // the oracle of the tests: scalar and obviously right
extern const VecKernels kVecBaseline;  // what every machine of this architecture has
#if defined(__x86_64__)
extern const VecKernels kVecAvx2;    // AVX2 and FMA
extern const VecKernels kVecAvx512;  // AVX-512 F and VL
#endif

}  // namespace hemiola
