#include "hemiola/table/salvage.h"

#include "hemiola/table/generation.h"

namespace hemiola {

TableSalvage::TableSalvage() = default;
TableSalvage::~TableSalvage() = default;
TableSalvage::TableSalvage(TableSalvage&&) noexcept = default;
TableSalvage& TableSalvage::operator=(TableSalvage&&) noexcept = default;

}  // namespace hemiola
