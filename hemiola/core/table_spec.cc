#include "hemiola/core/table_spec.h"

#include <algorithm>
#include <cmath>

#include "hemiola/core/random.h"

namespace hemiola {

uint32_t row_stride(uint32_t row_length) {
  const uint32_t padded = (row_length + 15) / 16 * 16;
  return padded - row_length <= row_length / 8 ? padded : row_length;
}

void initialise_row(const TableSpec& spec, Key key, std::span<float> row) {
  const Initialiser& init = spec.init;
  const uint64_t place = mix(init.seed, key.value);
  const uint32_t values = std::min<uint32_t>(spec.values(), static_cast<uint32_t>(row.size()));
  for (uint32_t c = 0; c < values; ++c) {
    const uint64_t bits = mix(place + c);
    const double unit = static_cast<double>(bits >> 11) * 0x1.0p-53;
    switch (init.kind) {
      case Initialiser::Kind::constant:
        row[c] = init.a;
        break;
      case Initialiser::Kind::uniform:
        row[c] = static_cast<float>(init.a + (init.b - init.a) * unit);
        break;
      case Initialiser::Kind::normal:
        row[c] = static_cast<float>(
            init.a + init.b * std::sqrt(-2.0 * std::log1p(-unit)) *
                         std::cos(6.283185307179586 * (mix(bits) >> 11) * 0x1.0p-53));
        break;
    }
  }
  for (uint32_t c = values; c < row.size(); ++c) row[c] = init.state;
}

bool starts_as_zeros(const TableSpec& spec) {
  return spec.init.kind == Initialiser::Kind::constant && spec.init.a == 0 &&
         (spec.init.state == 0 || spec.values() == spec.row_length);
}

}  // namespace hemiola
