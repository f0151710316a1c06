// How a gradient becomes a change of a row.
#pragma once

#include <cstdint>

namespace hemiola {

enum class Optimizer : uint8_t {
  adagrad,  // each row or value has its own rate: the rate / sqrt(1 + its squared gradients)
  sgd       // one rate for all
};

}  // namespace hemiola
