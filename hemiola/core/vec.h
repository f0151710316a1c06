// Float kernels for rows, chosen once for the machine's instruction set.
#pragma once

#include <cstdint>

#include "hemiola/core/vec_kernels.h"

namespace hemiola {

enum class Simd : uint8_t { baseline, avx2, avx512 };

// The widest set that both this machine and this build have.
Simd simd_here();

// Kernels compiled for `simd`. REQUIRES: simd <= simd_here().
const VecKernels& vec_for(Simd simd);

// Thread safety: any thread, at any time. Keep the reference outside of hot loops.
inline const VecKernels& vec() {
  static const VecKernels& chosen = vec_for(simd_here());
  return chosen;
}

}  // namespace hemiola
