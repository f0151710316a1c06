// Puts rows that others may be changing meanwhile into messages, in the form of their table.
#pragma once

#include <vector>

#include "hemiola/table/row_coding.h"

namespace hemiola {

class RowPacker {
 public:
  // The row as it is now. `to`: form.bytes().
  void put(const RowForm& form, const float* row, std::byte* to);

  // What was added to a copy since it was last sent, of which `base` has taken in all: writes it
  // and takes out of `base` what the form leaves out, so that value - base is what is still to be
  // sent. False: nothing is left of it in that form, and nothing need be sent.
  bool put_change(const RowForm& form, const float* delta, float* base, std::byte* to);

  // The row's floats, until the next call.
  const float* get(const RowForm& form, const std::byte* from);

 private:
  std::vector<float> floats_;
};

}  // namespace hemiola
