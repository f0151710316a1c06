// What a strategy keeps from one pass to the next, field by field: one function of the strategy
// names its fields, and serves those who save and those who load.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace hemiola {

// Names are unique within a node. Those who save must have read what they are given before
// anybody goes on; those who load change it.
class StateFields {
 public:
  virtual ~StateFields() = default;

  virtual void number(std::string_view name, uint64_t& value) = 0;
  virtual void number(std::string_view name, double& value) = 0;
  // Of a length that is the same whenever the settings are.
  virtual void floats(std::string_view name, std::span<float> values) = 0;
  // Of any length; loading gives it that which was saved.
  virtual void floats(std::string_view name, std::vector<float>& values) = 0;
};

}  // namespace hemiola
