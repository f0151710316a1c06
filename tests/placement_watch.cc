#include "tests/placement_watch.h"

#include <algorithm>

namespace hemiola::storm {
namespace {

uint32_t held(const Rows& rows) {
  uint32_t copies = 0;
  for (uint32_t k = 0; k < rows.options().spec.rows; ++k) {
    for (uint32_t v = 0; v < rows.views() && !rows.owns(Key{k}); ++v) {
      copies += rows.view(v).find(Key{k}) != Copies::kNone ? 1 : 0;
    }
  }
  return copies;
}

}  // namespace

void Watch::after_event(const oracle::SimulatedJob::Nodes& nodes) {
  const uint32_t keys = nodes[0]->rows(table_).options().spec.rows;
  if (owners_.empty()) {
    for (uint32_t k = 0; k < keys; ++k) {
      owners_.push_back(nodes[0]->rows(table_).partition().owner(Key{k}));
    }
  }
  for (uint32_t i = 0; i < std::min(kRowsAtOnce, keys); ++i) {
    hand_ = hand_ + 1 < keys ? hand_ + 1 : 0;
    const TableSet* owner = nullptr;
    for (const TableSet* node : nodes) {
      if (!node->rows(table_).owns(Key{hand_})) continue;
      if (owner != nullptr) {
        throw oracle::Violation("row " + std::to_string(hand_) + " is owned by node " +
                                std::to_string(owner->place().self.value) + " and by node " +
                                std::to_string(node->place().self.value));
      }
      owner = node;
    }
    if (owner == nullptr || owner->place().self == owners_[hand_]) continue;
    owners_[hand_] = owner->place().self;
    ++moves_;
  }
  if (++events_ % kEventsBetweenCounts != 0) return;
  uint64_t copies = 0;
  for (const TableSet* node : nodes) copies += held(node->rows(table_));
  copies_ = std::max(copies_, copies);
}

void Watch::one_owner_each(const oracle::SimulatedJob::Nodes& nodes) const {
  for (uint32_t k = 0; k < nodes[0]->rows(table_).options().spec.rows; ++k) {
    const auto owners = std::count_if(nodes.begin(), nodes.end(), [&](const TableSet* node) {
      return node->rows(table_).owns(Key{k});
    });
    if (owners == 1) continue;
    throw oracle::Violation("at the end row " + std::to_string(k) + " has " +
                            std::to_string(owners) + " owners");
  }
}

void Watch::copies_at_most(const oracle::SimulatedJob::Nodes& nodes, uint32_t most) const {
  for (const TableSet* node : nodes) {
    const uint32_t copies = held(node->rows(table_));
    if (copies <= most) continue;
    throw oracle::Violation("at the end node " + std::to_string(node->place().self.value) +
                            " holds " + std::to_string(copies) + " copies, " +
                            std::to_string(most) + " would do");
  }
}

}  // namespace hemiola::storm
