// Ratings: text lines `user item rating [more columns]`.
//
// Columns are separated by blanks or tabs, one comma, or `::`. Lines that are empty or begin
// with # or % are skipped, so is a first line of column names; line ends may be LF or CRLF.
// Ids are integers from 0 or from 1, as the file has them; they become row numbers unchanged.
// The same user and item may occur more than once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hemiola/data/lines.h"

namespace hemiola {

struct Ratings {
  // The three have the same length: one entry per rating, in file order.
  std::vector<uint32_t> user, item;
  std::vector<float> value;
  uint32_t users = 0;  // largest id + 1
  uint32_t items = 0;

  size_t size() const { return value.size(); }
  bool operator==(const Ratings&) const = default;
};

// Both with the same `users` and `items`, which cover both.
struct RatingsSplit {
  Ratings train, test;
};

struct RatingsOptions {
  // A larger user or item id is an error: a table has a row for each id up to the largest.
  uint32_t max_id = (1U << 28) - 1;
  // The column, counted from 1, that holds a small integer which says in which fold a line is;
  // lines of `test_fold` become the test set. 0: no folds, the test set stays empty.
  uint32_t fold_column = 0;
  int32_t test_fold = 0;
};

// Throws UserError with file and line. A file without any rating is an error, so is a test fold
// that is empty or leaves nothing to train on.
RatingsSplit read_ratings(const std::string& path, const RatingsOptions& options = {},
                          const Runner& run = in_order);

// A file for training and one for testing; together with a fold column they are an error.
RatingsSplit read_ratings_pair(const std::string& train, const std::string& test,
                               const RatingsOptions& options = {}, const Runner& run = in_order);

// One chunk, for readers that bring their own chunks. Pure.
struct RatingsPart {
  RatingsSplit split;
  std::vector<int32_t> folds;  // that occur
  uint64_t lines = 0;
  std::optional<LineError> error;
};
// `file_begin`: the chunk may start with a line of column names.
void parse_ratings(std::string_view chunk, bool file_begin, const RatingsOptions& options,
                   RatingsPart& part);

}  // namespace hemiola
