#include "hemiola/average/messages.h"

namespace hemiola {

std::span<const float> floats_behind(Reader& reader) {
  const size_t count = reader.left() / sizeof(float);
  const std::byte* at = reader.skip(reader.left());
  return {reinterpret_cast<const float*>(at), count};
}

}  // namespace hemiola
