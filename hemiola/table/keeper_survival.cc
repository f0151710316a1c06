// Keeper: what it remembers so that nothing is lost or doubled when a node dies.
#include <algorithm>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"
#include "hemiola/table/keeper.h"

namespace hemiola {

// Rows that went with the last message: until they are safe with the taker they are only here.
void Keeper::remember(const Giving& giving) {
  const Bytes& message = streams_.unacked(giving.to).back().body;
  const Book& book = books_[giving.table.value];
  for (size_t i = 0; i < giving.gone.size(); ++i) {
    const Key key = giving.gone[i];
    forget_gift(giving.table, key);
    gifts_[window(giving.table, key)] = {
        giving.to, book.moves[key.value], ++last_gift_, message, giving.gone_at[i], {}, {}};
    gift_numbers_.insert(last_gift_);
  }
}

void Keeper::forget_gift(TableId table, Key key) {
  const auto found = gifts_.find(window(table, key));
  if (found == gifts_.end()) return;
  gift_numbers_.erase(found->second.number);
  gifts_.erase(found);
}

// An update of the taker, or by way of him, which he adds to the row when it comes to him.
void Keeper::add_to_gift(NodeId taker, const ChangeHead& head, Key key, const float* delta) {
  const auto found = gifts_.find(window(head.table, key));
  if (found == gifts_.end() || found->second.to != taker) return;
  Gift& gift = found->second;
  const uint32_t length = books_[head.table.value].rows->row_length();
  gift.more.resize(length);
  vec().add(gift.more.data(), delta, length);
  gift.more_units.push_back({head.origin.value, 0, 0, head.batch});
}

// The row is this node's: what else was given away of it once is older. The units are logged behind
// its own updates that were added when it came.
void Keeper::take_units(const GiveHead& head, const GiveRecord& record,
                        std::vector<UnitRecord> units, NodeId from) {
  units.insert(units.end(), unseen_.begin(), unseen_.end());
  backups_.take(head.table, record.key, units, from, record.moves);
  forget_gift(head.table, record.key);
}

bool Keeper::safe(std::span<const SafeRecord> records) {
  const bool all = std::all_of(records.begin(), records.end(), [&](const SafeRecord& record) {
    return journal_.report(record.batch, record.rows);
  });
  backups_.keeps_from(place_.self, true, journal_.low());
  return all;
}

bool Keeper::safe_gifts(TableId table, std::span<const GoneRecord> gifts) {
  if (book(table) == nullptr) return false;
  for (const GoneRecord& record : gifts) {
    const auto found = gifts_.find(window(table, record.key));
    if (found == gifts_.end() || found->second.moves > record.moves) continue;
    backups_.forget_backup(table, {record.key, found->second.moves});
    forget_gift(table, record.key);
  }
  return true;
}

void Keeper::salvage(TableGeneration& into) {
  into.moving = std::move(journal_);
  for (auto& [place, gift] : gifts_) {
    into.given.push_back({TableId{static_cast<uint32_t>(place >> 32)},
                          Key{static_cast<uint32_t>(place)}, std::move(gift)});
  }
  // The order of a hash table is nobody's business.
  std::sort(into.given.begin(), into.given.end(), [](const auto& a, const auto& b) {
    return std::pair(a.table, a.key) < std::pair(b.table, b.key);
  });
  for (uint32_t t = 0; t < books_.size(); ++t) {
    for (auto& [key, early] : books_[t].early) {
      if (!early.delta.empty()) into.unsent.push_back({TableId{t}, key, std::move(early.delta)});
    }
    into.moves.push_back(std::move(books_[t].moves));
  }
  std::sort(into.unsent.begin(), into.unsent.end(), [](const auto& a, const auto& b) {
    return std::pair(a.table, a.key) < std::pair(b.table, b.key);
  });
}

}  // namespace hemiola
