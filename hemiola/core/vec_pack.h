// Registers full of floats, for kernels that are compiled once per instruction set.
//
// Include only from such files, with kWidth (floats in a register: 4, 8 or 16) declared before.
// Everything is in an unnamed namespace: each including file gets its own copy, and no other.
#pragma once

#include <cstddef>

namespace hemiola {
namespace {

#if defined(__x86_64__)
#define HEMIOLA_VECTOR_REGISTER "+v"
#else
#define HEMIOLA_VECTOR_REGISTER "+w"
#endif

#define HEMIOLA_INLINE inline __attribute__((always_inline))

// W floats in a register. Loads and stores need no alignment.
template <size_t W>
struct Pack {
  typedef float Value __attribute__((vector_size(W * 4)));
  typedef float Place __attribute__((vector_size(W * 4), aligned(4), may_alias));
  typedef int Bits __attribute__((vector_size(W * 4)));
};

template <>
struct Pack<1> {
  using Value = float;
  using Place = float;
  using Bits = int;
};

// The empty asm makes the register the only source of the value: the compiler can neither load
// it again (another thread may have changed it) nor turn a loop into a call of memcpy (which the
// thread sanitizer watches).
#define HEMIOLA_LOAD(W, name, from)                                                       \
  typename Pack<W>::Value name = *reinterpret_cast<const typename Pack<W>::Place*>(from); \
  asm("" : HEMIOLA_VECTOR_REGISTER(name))
#define HEMIOLA_STORE(W, to, value) *reinterpret_cast<typename Pack<W>::Place*>(to) = (value)

// Calls part.template run<W>(i) for consecutive parts of 0..n: as many of the widest as fit, then
// at most one of each smaller width down to 4, then single floats.
template <size_t W, class Part>
HEMIOLA_INLINE void sweep(size_t n, size_t i, Part& part) {
  if constexpr (W == kWidth) {
    for (; i + W <= n; i += W) part.template run<W>(i);
    sweep<(W > 4 ? W / 2 : 1)>(n, i, part);
  } else if constexpr (W >= 4) {
    if (i + W <= n) {
      part.template run<W>(i);
      i += W;
    }
    sweep<(W > 4 ? W / 2 : 1)>(n, i, part);
  } else {
    for (; i < n; ++i) part.template run<1>(i);
  }
}

template <size_t W>
HEMIOLA_INLINE float sum_of(typename Pack<W>::Value v) {
  if constexpr (W == 16) {
    return sum_of<8>(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                     __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15));
  } else if constexpr (W == 8) {
    return sum_of<4>(__builtin_shufflevector(v, v, 0, 1, 2, 3) +
                     __builtin_shufflevector(v, v, 4, 5, 6, 7));
  } else {
    const typename Pack<4>::Value half = v + __builtin_shufflevector(v, v, 2, 3, 0, 1);
    return half[0] + half[1];
  }
}

}  // namespace
}  // namespace hemiola
