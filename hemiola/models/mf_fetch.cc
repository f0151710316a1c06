#include "hemiola/models/mf_fetch.h"

namespace hemiola {

MfFetch::MfFetch(TableId table, const MfGroup& users, const MfGroup& items)
    : table_(table),
      users_(users),
      items_(items),
      user_in_(users.rows),
      item_in_(items.rows),
      user_at_(users.rows),
      item_at_(items.rows) {}

void MfFetch::find(std::span<const MfRating> batch) {
  ++batches_;
  keys_.clear();
  for (const MfRating& r : batch) {
    if (user_in_[r.user] == batches_) continue;
    user_in_[r.user] = batches_;
    keys_.push_back(users_.key(r.user));
  }
  users_found_ = keys_.size();
  for (const MfRating& r : batch) {
    if (item_in_[r.item] == batches_) continue;
    item_in_[r.item] = batches_;
    keys_.push_back(items_.key(r.item));
  }
}

void MfFetch::fetch(Parameters& params) {
  rows_.resize(keys_.size());
  params.rows(table_, keys_, Access::write, rows_);
  for (size_t i = 0; i < keys_.size(); ++i) {
    const MfGroup& group = i < users_found_ ? users_ : items_;
    auto& at = i < users_found_ ? user_at_ : item_at_;
    at[(keys_[i].value - group.first) / group.apart] = rows_[i];
  }
}

}  // namespace hemiola
