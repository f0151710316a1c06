// What follows from a scorer: the sizes of rows, and how a question meets an answer.
#pragma once

#include <cstdint>

#include "hemiola/core/types.h"
#include "hemiola/models/kge.h"
#include "hemiola/models/kge_kernels.h"

namespace hemiola {

inline constexpr TableId kKgeEntities{0};
inline constexpr TableId kKgeRelations{1};

struct KgeTriple {
  uint32_t head = 0;
  uint32_t relation = 0;
  uint32_t tail = 0;
};

// The two questions of a triple: (h, r, ?) and (?, r, t).
enum class KgeSide : uint8_t { tail, head };
inline constexpr KgeSide kKgeSides[] = {KgeSide::tail, KgeSide::head};

struct KgeShape {
  KgeScorer scorer = KgeScorer::complex;
  KgeMatch match = KgeMatch::dot;
  bool complex = false;  // entities are complex numbers
  bool reciprocal = false;
  size_t dim = 0;
  size_t values = 0;           // of an entity's row
  size_t relation_values = 0;  // of a relation's row
  size_t spread = 0;           // of a relation as a question sees it: rotate's as complex numbers
  uint32_t entities = 0;
  uint32_t relations = 0;  // in the data; with reciprocal the table has twice as many

  KgeShape(const KgeOptions& options, uint32_t entities, uint32_t relations);

  uint32_t relation_rows() const { return reciprocal ? 2 * relations : relations; }
  uint32_t relation_row(KgeSide side, uint32_t relation) const {
    return reciprocal && side == KgeSide::head ? relations + relation : relation;
  }
  // Floats from row to row of a scratch matrix with n columns: whole panels, and no power of two,
  // so that rows do not fight for the same places in a cache.
  static size_t ld(size_t n) { return (n + 31) / 32 * 32 + 16; }
  static size_t panels(size_t n) { return (n + 31) / 32 * 32; }
};

}  // namespace hemiola
