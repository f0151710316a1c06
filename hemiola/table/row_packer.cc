#include "hemiola/table/row_packer.h"

#include "hemiola/core/vec.h"

namespace hemiola {

void RowPacker::put(const RowForm& form, const float* row, std::byte* to) {
  if (!form.lossy()) {
    vec().copy(reinterpret_cast<float*>(to), row, form.row_length());
    return;
  }
  floats_.resize(form.row_length());
  vec().copy(floats_.data(), row, form.row_length());
  form.encode(floats_.data(), to);
}

bool RowPacker::put_change(const RowForm& form, const float* delta, float* base, std::byte* to) {
  form.encode(delta, to);
  if (!form.lossy()) return true;
  floats_.resize(form.row_length());
  form.decode(to, floats_.data());
  bool any = false;
  for (uint32_t i = 0; i < form.row_length(); ++i) {
    any = any || floats_[i] != 0;
    base[i] -= delta[i] - floats_[i];
  }
  return any;
}

const float* RowPacker::get(const RowForm& form, const std::byte* from) {
  if (!form.lossy()) return reinterpret_cast<const float*>(from);
  floats_.resize(form.row_length());
  form.decode(from, floats_.data());
  return floats_.data();
}

}  // namespace hemiola
