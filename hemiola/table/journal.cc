#include "hemiola/table/journal.h"

#include "hemiola/core/check.h"

namespace hemiola {

void Journal::add(uint32_t number, TableId table, Bytes body, uint32_t rows) {
  if (batches_.empty()) first_ = number;
  HEMIOLA_CHECK(number - first_ < uint32_t{1} << 31);
  while (number - first_ >= batches_.size()) batches_.emplace_back();
  Batch& batch = batches_[number - first_];
  batch.table = table;
  batch.left += rows;
  bytes_ += body.size();
  batch.bodies.push_back(std::move(body));
}

bool Journal::report(uint32_t number, uint32_t rows) {
  const uint32_t at = number - first_;
  if (at >= batches_.size() || batches_[at].left < rows || rows == 0) return false;
  Batch& batch = batches_[at];
  batch.left -= rows;
  if (batch.left != 0) return true;
  for (const Bytes& body : batch.bodies) bytes_ -= body.size();
  batch.bodies.clear();
  while (!batches_.empty() && batches_.front().left == 0) {
    batches_.pop_front();
    ++first_;
  }
  return true;
}

}  // namespace hemiola
