// Rows of chance, as fast as memory is written: initial values of tables and of planted models.
#pragma once

#include "hemiola/core/fill_kernels.h"
#include "hemiola/core/vec.h"

namespace hemiola {

// Kernels compiled for `simd`; all give the same bits. REQUIRES: simd <= simd_here().
const FillKernels& fill_for(Simd simd);

// Thread safety: any thread, at any time.
inline const FillKernels& fill() {
  static const FillKernels& chosen = fill_for(simd_here());
  return chosen;
}

}  // namespace hemiola
