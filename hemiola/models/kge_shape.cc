#include "hemiola/models/kge_shape.h"

namespace hemiola {

KgeShape::KgeShape(const KgeOptions& o, uint32_t entity_count, uint32_t relation_count)
    : scorer(o.scorer),
      complex(o.scorer == KgeScorer::complex || o.scorer == KgeScorer::rotate),
      reciprocal(o.reciprocal),
      dim(o.dim),
      values(complex ? 2 * dim : dim),
      relation_values(values),
      spread(values),
      entities(entity_count),
      relations(relation_count) {
  if (scorer == KgeScorer::rescal) relation_values = spread = dim * dim;
  if (scorer == KgeScorer::rotate) relation_values = dim;
  if (scorer == KgeScorer::transe) match = o.norm == 1 ? KgeMatch::l1 : KgeMatch::l2;
  if (scorer == KgeScorer::rotate) match = o.norm == 1 ? KgeMatch::moduli : KgeMatch::l2;
}

}  // namespace hemiola
