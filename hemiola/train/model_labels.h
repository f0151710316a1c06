// What the rows of a saved table are called: by their names, or by their numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hemiola/train/model_store.h"

namespace hemiola {

class RowLabels {
 public:
  RowLabels(const ModelReader& model, const StoredTable& table);

  uint32_t rows() const { return rows_; }
  bool has_names() const { return names_.size() > 0; }

  // The name; else "17"; in a table of users and items "user 17" or "item 3".
  std::string label(uint32_t row) const;

  // Of a row with a name; Dictionary::kNone: there is none of this name.
  uint32_t row_of(std::string_view name) const { return names_.find(name); }

  // Throws UserError, one sentence with what comes near, when there is no such row.
  uint32_t find(std::string_view label) const;

  // The rows that are of the same kind as this one: users, items, or all.
  struct Range {
    uint32_t begin = 0, end = 0;
  };
  Range kin(uint32_t row) const;

 private:
  std::vector<std::string> near_names(std::string_view label) const;

  const std::string table_;
  uint32_t rows_;
  uint32_t users_ = 0;  // 0: rows are not of two kinds
  Dictionary names_;
};

}  // namespace hemiola
