#include "hemiola/data/ratings.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "hemiola/core/check.h"
#include "hemiola/data/number.h"

namespace hemiola {
namespace {

using number::is_blank;

constexpr size_t kManyFolds = 32;

// Reads the lines of one chunk. A function that meets something wrong says so with fail() and
// gives nullptr.
class LineParser {
 public:
  LineParser(std::string_view text, const RatingsOptions& options, RatingsPart& part)
      : text_(text), end_(text.data() + text.size()), options_(options), part_(part) {}

  void parse(bool file_begin) {
    const char* at = text_.data();
    if (file_begin && text_.starts_with("\xEF\xBB\xBF")) at += 3;
    if (file_begin && is_heading(at)) at = skip_line(at);
    while (at != end_) {
      at = line(at);
      if (at == nullptr) {
        part_.error->line = part_.lines + 1;
        return;
      }
      ++part_.lines;
    }
  }

 private:
  const char* line(const char* at) {
    line_ = at;
    at = skip_blanks(at);
    if (at == end_ || *at == '\n' || *at == '#' || *at == '%' || line_end(at)) return to_next(at);
    uint64_t user = 0, item = 0;
    float value = 0;
    if (!(at = id(at, "user", user)) || !(at = separator(at))) return nullptr;
    if (!(at = id(at, "item", item)) || !(at = separator(at))) return nullptr;
    const char* behind = number::parse_float(at, end_, value);
    if (!behind || !at_column_end(behind)) return bad_rating(at);
    int32_t fold = options_.test_fold + 1;
    if (options_.fold_column > 0 && !(behind = read_fold(behind, fold))) return nullptr;
    add(fold == options_.test_fold && options_.fold_column > 0 ? part_.split.test
                                                               : part_.split.train,
        static_cast<uint32_t>(user), static_cast<uint32_t>(item), value);
    return to_next(behind);
  }

  static void add(Ratings& to, uint32_t user, uint32_t item, float value) {
    to.user.push_back(user);
    to.item.push_back(item);
    to.value.push_back(value);
    to.users = std::max(to.users, user + 1);
    to.items = std::max(to.items, item + 1);
  }

  const char* id(const char* at, const char* what, uint64_t& out) {
    const char* behind = number::parse_uint(at, end_, out);
    if (behind && at_column_end(behind) && out <= options_.max_id) return behind;
    const std::string found(column(at));
    const bool minus = found.starts_with('-');
    if (!found.empty() && found.find_first_not_of("0123456789", minus) == std::string::npos &&
        found != "-") {
      fail(std::string(what) + " id " + found + " is out of range: ids go from 0 to " +
           std::to_string(options_.max_id) + (minus ? "" : " (raise max_id for more)"));
    } else {
      fail(expected());
    }
    return nullptr;
  }

  const char* bad_rating(const char* at) {
    float ignored = 0;
    std::string word(column(at));
    std::transform(word.begin(), word.end(), word.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const bool sign = word.starts_with('-') || word.starts_with('+');
    const std::string unsigned_word = word.substr(sign);
    const bool number_like = unsigned_word.find_first_not_of("0123456789.e+-") == std::string::npos;
    if (unsigned_word == "nan" || unsigned_word == "inf" || unsigned_word == "infinity" ||
        (number_like && !word.empty() &&
         !number::parse_float(word.data(), word.data() + word.size(), ignored) &&
         std::isdigit(static_cast<unsigned char>(word.back())))) {
      fail("the rating " + shown(column(at)) + " is not a finite number that fits a float");
    } else {
      fail(expected());
    }
    return nullptr;
  }

  // `at` stands behind column 3.
  const char* read_fold(const char* at, int32_t& fold) {
    for (uint32_t c = 3; c < options_.fold_column; ++c) {
      if (line_end(at)) {
        fail("expected a fold in column " + std::to_string(options_.fold_column) + ", found " +
             shown_line(text_, line_));
        return nullptr;
      }
      if (!(at = separator(at))) return nullptr;
      if (c + 1 < options_.fold_column) at += column(at).size();
    }
    uint64_t value = 0;
    const char* behind = number::parse_uint(at, end_, value);
    if (!behind || !at_column_end(behind) || value > INT32_MAX) {
      fail("expected a fold (a whole number) in column " + std::to_string(options_.fold_column) +
           ", found " + shown(column(at)));
      return nullptr;
    }
    fold = static_cast<int32_t>(value);
    if (part_.folds.size() < kManyFolds && (part_.folds.empty() || part_.folds.back() != fold) &&
        std::find(part_.folds.begin(), part_.folds.end(), fold) == part_.folds.end()) {
      part_.folds.push_back(fold);
    }
    return behind;
  }

  // A separator and a column behind it.
  const char* separator(const char* at) {
    const char* p = skip_blanks(at);
    if (p != end_ && *p == ',') {
      p = skip_blanks(p + 1);
    } else if (end_ - p > 1 && p[0] == ':' && p[1] == ':') {
      p = skip_blanks(p + 2);
    } else if (p == at) {
      fail(expected());
      return nullptr;
    }
    if (!line_end(p)) return p;
    fail(expected());
    return nullptr;
  }

  const char* skip_blanks(const char* at) const {
    while (at != end_ && is_blank(*at)) ++at;
    return at;
  }

  bool line_end(const char* at) const {
    return at == end_ || *at == '\n' || (*at == '\r' && (at + 1 == end_ || at[1] == '\n'));
  }

  bool at_column_end(const char* at) const {
    return line_end(at) || is_blank(*at) || *at == ',' ||
           (*at == ':' && end_ - at > 1 && at[1] == ':');
  }

  std::string_view column(const char* at) const {
    const char* p = at;
    while (!at_column_end(p)) ++p;
    return {at, static_cast<size_t>(p - at)};
  }

  const char* skip_line(const char* at) {
    at = to_next(at);
    ++part_.lines;
    return at;
  }

  const char* to_next(const char* at) const {
    if (at != end_ && *at == '\n') return at + 1;
    const void* newline = std::memchr(at, '\n', static_cast<size_t>(end_ - at));
    return newline == nullptr ? end_ : static_cast<const char*>(newline) + 1;
  }

  // At least three columns that all begin with a letter or a quote.
  bool is_heading(const char* at) const {
    int columns = 0;
    for (;; ++columns) {
      if (line_end(at) || !(std::isalpha(static_cast<unsigned char>(*at)) || *at == '"')) break;
      at += column(at).size();
      if (line_end(at)) return columns >= 2;
      while (!line_end(at) && (is_blank(*at) || *at == ',' || *at == ':')) ++at;
    }
    return false;
  }

  std::string expected() const {
    return "expected `user item rating`, found " + shown_line(text_, line_);
  }

  void fail(std::string text) { part_.error = LineError{0, std::move(text)}; }

  std::string_view text_;
  const char* end_;
  const char* line_ = nullptr;
  const RatingsOptions& options_;
  RatingsPart& part_;
};

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void append(Ratings& to, const Ratings& from) {
  append(to.user, from.user);
  append(to.item, from.item);
  append(to.value, from.value);
  to.users = std::max(to.users, from.users);
  to.items = std::max(to.items, from.items);
}

void clear(Ratings& ratings) {
  ratings.user.clear(), ratings.item.clear(), ratings.value.clear();
  ratings.users = ratings.items = 0;
}

void share_sizes(RatingsSplit& split) {
  split.train.users = split.test.users = std::max(split.train.users, split.test.users);
  split.train.items = split.test.items = std::max(split.train.items, split.test.items);
}

void require_both(const std::string& path, const RatingsOptions& options, const RatingsSplit& split,
                  std::vector<int32_t> folds) {
  if (split.train.size() > 0 && split.test.size() > 0) return;
  std::sort(folds.begin(), folds.end());
  std::string list;
  for (const int32_t fold : folds) list += (list.empty() ? "" : ", ") + std::to_string(fold);
  if (folds.size() == kManyFolds) list += ", ...";
  const std::string fold = "fold " + std::to_string(options.test_fold) + " in column " +
                           std::to_string(options.fold_column);
  if (split.test.size() == 0) {
    throw UserError("no line of " + path + " has " + fold + ", so there is nothing to test on; " +
                    "the folds are " + list);
  }
  throw UserError("all lines of " + path + " have " + fold + ", so there is nothing to train on");
}

}  // namespace

void parse_ratings(std::string_view chunk, bool file_begin, const RatingsOptions& options,
                   RatingsPart& part) {
  clear(part.split.train);
  clear(part.split.test);
  part.folds.clear();
  part.lines = 0;
  part.error.reset();
  LineParser(chunk, options, part).parse(file_begin);
}

RatingsSplit read_ratings(const std::string& path, const RatingsOptions& options,
                          const Runner& run) {
  if (options.fold_column > 0 && options.fold_column < 4) {
    throw UserError(
        "fold_column = " + std::to_string(options.fold_column) +
        " is one of `user item rating`; columns count from 1, so 4 is the first for it");
  }
  if (options.max_id == UINT32_MAX) throw UserError("max_id can be at most 4294967294");
  Chunks file(path);
  RatingsSplit all;
  std::vector<int32_t> folds;
  const uint64_t lines = parse_lines<RatingsPart>(
      file, run,
      [&](std::string_view text, bool first, RatingsPart& part) {
        parse_ratings(text, first, options, part);
      },
      [&](const RatingsPart& part) {
        append(all.train, part.split.train);
        append(all.test, part.split.test);
        for (const int32_t fold : part.folds) {
          if (folds.size() < kManyFolds &&
              std::find(folds.begin(), folds.end(), fold) == folds.end())
            folds.push_back(fold);
        }
      });
  if (lines == 0) throw UserError(path + " is empty");
  if (all.train.size() + all.test.size() == 0) throw UserError(path + " holds no ratings");
  if (options.fold_column > 0) require_both(path, options, all, std::move(folds));
  share_sizes(all);
  return all;
}

RatingsSplit read_ratings_pair(const std::string& train, const std::string& test,
                               const RatingsOptions& options, const Runner& run) {
  if (options.fold_column != 0) {
    throw UserError("a test file and fold_column = " + std::to_string(options.fold_column) +
                    " exclude each other; leave one of them out");
  }
  RatingsSplit both = read_ratings(train, options, run);
  both.test = read_ratings(test, options, run).train;
  share_sizes(both);
  return both;
}

}  // namespace hemiola
