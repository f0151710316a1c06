#include "hemiola/train/model_labels.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/train/nearest.h"

namespace hemiola {
namespace {

constexpr size_t kNearNames = 3;
constexpr std::string_view kUser = "user ", kItem = "item ";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text) out += lower(c);
  return out;
}

bool whole_number(std::string_view text, uint32_t& out) {
  const char* end = text.data() + text.size();
  const auto [behind, error] = std::from_chars(text.data(), end, out);
  return error == std::errc{} && behind == end && !text.empty();
}

}  // namespace

RowLabels::RowLabels(const ModelReader& model, const StoredTable& table)
    : table_(table.name), rows_(table.rows), names_(model.names(table)) {
  const Manifest& about = model.manifest();
  if (const auto users = about.facts.find("users");
      about.model == "mf" && !has_names() && users != about.facts.end()) {
    users_ = static_cast<uint32_t>(users->second);
  }
}

std::string RowLabels::label(uint32_t row) const {
  if (has_names()) return std::string(names_.name(row));
  if (users_ == 0) return std::to_string(row);
  return row < users_ ? std::string(kUser) + std::to_string(row)
                      : std::string(kItem) + std::to_string(row - users_);
}

RowLabels::Range RowLabels::kin(uint32_t row) const {
  if (users_ == 0) return {0, rows_};
  return row < users_ ? Range{0, users_} : Range{users_, rows_};
}

uint32_t RowLabels::find(std::string_view label) const {
  const std::string quoted = "`" + std::string(label) + "`";
  if (has_names()) {
    if (const uint32_t row = names_.find(label); row != Dictionary::kNone) return row;
    std::string text = "no row of table `" + table_ + "` is called " + quoted;
    const auto near = near_names(label);
    for (size_t i = 0; i < near.size(); ++i) {
      text += (i == 0 ? "; near it are `" : ", `") + near[i] + "`";
    }
    throw UserError(text);
  }
  uint32_t row = 0;
  if (users_ == 0) {
    if (whole_number(label, row) && row < rows_) return row;
    throw UserError(quoted + " is no row of table `" + table_ + "`: they have no names, only " +
                    "numbers from 0 to " + std::to_string(rows_ - 1));
  }
  if (label.starts_with(kUser) && whole_number(label.substr(kUser.size()), row) && row < users_) {
    return row;
  }
  if (label.starts_with(kItem) && whole_number(label.substr(kItem.size()), row) &&
      row < rows_ - users_) {
    return users_ + row;
  }
  throw UserError(quoted + " is no row of table `" + table_ + "`: its rows are `user 0` to `user " +
                  std::to_string(users_ - 1) + "` and `item 0` to `item " +
                  std::to_string(rows_ - users_ - 1) + "`");
}

// The nearest first: the same but for capitals, then longer names that begin so, then those that
// a few slips of the hand lead to. Of equally near ones those of small numbers, the common ones.
std::vector<std::string> RowLabels::near_names(std::string_view label) const {
  const std::string typed = lower(label);
  const size_t furthest = std::max<size_t>(1, label.size() / 3);
  std::vector<std::pair<size_t, uint32_t>> near;
  for (uint32_t row = 0; row < names_.size() && !typed.empty(); ++row) {
    const std::string_view name = names_.name(row);
    const bool begins = name.size() >= typed.size() && lower(name.substr(0, typed.size())) == typed;
    const size_t longer = name.size() > typed.size() ? name.size() - typed.size() : 0;
    const size_t shorter = typed.size() > name.size() ? typed.size() - name.size() : 0;
    if (begins) {
      near.emplace_back(longer == 0 ? 0 : 1, row);
    } else if (longer <= furthest && shorter <= furthest) {
      const size_t distance = edit_distance(typed, lower(name));
      if (distance <= furthest) near.emplace_back(1 + distance, row);
    }
  }
  const size_t count = std::min(near.size(), kNearNames);
  std::partial_sort(near.begin(), near.begin() + static_cast<ptrdiff_t>(count), near.end());
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.emplace_back(names_.name(near[i].second));
  return names;
}

}  // namespace hemiola
