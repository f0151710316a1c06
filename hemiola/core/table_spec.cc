#include "hemiola/core/table_spec.h"

#include <algorithm>

#include "hemiola/core/fill.h"
#include "hemiola/core/random.h"

namespace hemiola {

uint32_t row_stride(uint32_t row_length) {
  const uint32_t padded = (row_length + 15) / 16 * 16;
  return padded - row_length <= row_length / 8 ? padded : row_length;
}

void initialise_row(const TableSpec& spec, Key key, std::span<float> row) {
  const Initialiser& init = spec.init;
  const uint64_t place = mix(init.seed, key.value);
  const size_t values = std::min<size_t>(spec.values(), row.size());
  switch (init.kind) {
    case Initialiser::Kind::constant:
      std::fill_n(row.begin(), values, init.a);
      break;
    case Initialiser::Kind::uniform:
      fill().uniform(row.data(), values, place, init.a, init.b);
      break;
    case Initialiser::Kind::normal:
      fill().normal(row.data(), values, place, init.a, init.b);
      break;
  }
  std::fill(row.begin() + static_cast<ptrdiff_t>(values), row.end(), init.state);
}

bool starts_as_zeros(const TableSpec& spec) {
  return spec.init.kind == Initialiser::Kind::constant && spec.init.a == 0 &&
         (spec.init.state == 0 || spec.values() == spec.row_length);
}

}  // namespace hemiola
