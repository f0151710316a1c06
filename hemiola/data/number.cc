#include "hemiola/data/number.h"

namespace hemiola::number {

const char* parse_float_slowly(const char* at, const char* end, float& out) {
  const bool plus = at != end && *at == '+';
  const char* from = at + plus;
  if (plus && from != end && *from == '-') return nullptr;
  double value = 0;
  const auto result = std::from_chars(from, end, value);
  if (result.ec != std::errc()) return nullptr;
  out = static_cast<float>(value);
  return std::isfinite(out) ? result.ptr : nullptr;
}

}  // namespace hemiola::number
