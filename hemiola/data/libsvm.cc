#include "hemiola/data/libsvm.h"

#include <algorithm>
#include <cstring>

#include "hemiola/core/check.h"
#include "hemiola/data/number.h"

namespace hemiola {
namespace {

using number::is_blank;

// Reads the lines of one chunk. Writes entries without looking at the room left: the shortest
// entry " 1:1" has four characters, so text.size() / 4 + 1 entries are enough.
class LineParser {
 public:
  LineParser(std::string_view text, const LibsvmOptions& options, LibsvmPart& part)
      : text_(text), end_(text.data() + text.size()), options_(options), part_(part) {}

  void parse() {
    const char* at = text_.data();
    if (text_.starts_with("\xEF\xBB\xBF")) at += 3;
    while (at != end_) {
      at = line(at);
      if (at == nullptr) {
        part_.error->line = part_.lines + 1;
        break;
      }
      ++part_.lines;
    }
    part_.nonzeros = used_;
  }

 private:
  const char* line(const char* at) {
    line_ = at;
    at = skip_blanks(at);
    if (line_over(at)) return to_next(at);
    float label = 0;
    const char* behind = number::parse_float(at, end_, label);
    if (!behind || !column_over(behind)) return bad_label(at);
    const size_t begin = used_;
    at = entries(behind);
    if (at == nullptr) return nullptr;
    if (!ascending_ && !sort(begin)) return nullptr;
    see(label);
    part_.label.push_back(label);
    part_.lengths.push_back(static_cast<uint32_t>(used_ - begin));
    return to_next(at);
  }

  const char* entries(const char* at) {
    uint32_t* const index = part_.index.data();
    float* const value = part_.value.data();
    const uint64_t first = options_.first_index;
    const uint64_t largest = options_.max_index;
    uint64_t bound = 0;  // the last index in the file's counting, plus one
    bool ones = true;
    ascending_ = true;
    size_t n = used_;
    for (;;) {
      at = skip_blanks(at);
      if (line_over(at)) break;
      uint64_t i = 0;
      const char* p = number::parse_uint(at, end_, i);
      if (!p || p == end_ || *p != ':') return bad_entry(at);
      if (i < first || i > largest) return bad_index(at, p);
      ++p;
      float v = 1;
      if (end_ - p > 1 && *p == '1' && is_blank(p[1])) {
        ++p;
      } else {
        const char* number = p;
        p = number::parse_float(p, end_, v);
        if (!p || !column_over(p)) return bad_value(at, number);
        ones &= v == 1;
      }
      index[n] = static_cast<uint32_t>(i - first);
      value[n] = v;
      ++n;
      ascending_ &= i >= bound;
      bound = i + 1;
      at = p;
      largest_ = std::max(largest_, bound);
    }
    used_ = n;
    part_.all_ones &= ones;
    part_.features = static_cast<uint32_t>(largest_ > first ? largest_ - first : 0);
    return at;
  }

  // Brings the entries from `begin` on into order.
  bool sort(size_t begin) {
    std::vector<std::pair<uint32_t, float>> row;
    for (size_t i = begin; i < used_; ++i) row.emplace_back(part_.index[i], part_.value[i]);
    std::stable_sort(row.begin(), row.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (size_t i = 1; i < row.size(); ++i) {
      if (row[i].first != row[i - 1].first) continue;
      fail("index " + std::to_string(uint64_t{row[i].first} + options_.first_index) +
           " occurs twice in one line");
      return false;
    }
    for (size_t i = 0; i < row.size(); ++i) {
      part_.index[begin + i] = row[i].first;
      part_.value[begin + i] = row[i].second;
    }
    return true;
  }

  void see(float label) {
    auto& seen = part_.labels_seen;
    for (const auto& s : seen) {
      if (s.first == label) return;
    }
    if (seen.size() < 3) seen.emplace_back(label, part_.lines + 1);
  }

  const char* bad_label(const char* at) {
    if (is_unusable_number(column(at))) {
      return fail("the label " + shown(column(at)) + " is not a finite number that fits a float");
    }
    return fail("expected `label index:value ...`, found " + shown_line(text_, line_));
  }

  const char* bad_entry(const char* at) {
    const std::string_view entry = column(at);
    if (entry.starts_with('-') && entry.find(':') != std::string_view::npos && entry.size() > 1 &&
        number::is_digit(entry[1])) {
      return bad_index(at, at + entry.find(':'));
    }
    uint64_t ignored = 0;
    const size_t digits = std::min(entry.find_first_not_of("0123456789"), entry.size());
    if (digits < entry.size() && entry[digits] == ':' &&
        !number::parse_uint(at, at + digits, ignored) && digits > 0) {
      return bad_index(at, at + digits);
    }
    return fail("expected `index:value`, found " + shown(entry));
  }

  const char* bad_index(const char* at, const char* behind) {
    const std::string found(at, behind);
    std::string text = "index " + found + " is out of range: indices go from " +
                       std::to_string(options_.first_index) + " to " +
                       std::to_string(options_.max_index);
    if (found == "0") text += " (set first_index = 0 if the file counts from 0)";
    return fail(std::move(text));
  }

  const char* bad_value(const char* at, const char* number) {
    if (is_unusable_number(column(number))) {
      return fail("the value of " + shown(column(at)) +
                  " is not a finite number that fits a float");
    }
    return fail("expected `index:value`, found " + shown(column(at)));
  }

  // nan, inf, or digits that overflow.
  static bool is_unusable_number(std::string_view word) {
    float ignored = 0;
    if (word.empty() || number::parse_float(word.data(), word.data() + word.size(), ignored)) {
      return false;
    }
    if (word[0] == '-' || word[0] == '+') word.remove_prefix(1);
    std::string lower(word);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (lower == "nan" || lower == "inf" || lower == "infinity") return true;
    return !lower.empty() && number::is_digit(lower[0]) && number::is_digit(lower.back()) &&
           lower.find_first_not_of("0123456789.e+-") == std::string::npos;
  }

  const char* skip_blanks(const char* at) const {
    while (at != end_ && is_blank(*at)) ++at;
    return at;
  }

  // The end of the line, or of what counts in it.
  bool line_over(const char* at) const {
    return at == end_ || *at == '\n' || *at == '#' ||
           (*at == '\r' && (at + 1 == end_ || at[1] == '\n'));
  }

  bool column_over(const char* at) const { return line_over(at) || is_blank(*at); }

  std::string_view column(const char* at) const {
    const char* p = at;
    while (!column_over(p)) ++p;
    return {at, static_cast<size_t>(p - at)};
  }

  const char* to_next(const char* at) const {
    if (at != end_ && *at == '\n') return at + 1;
    const void* newline = std::memchr(at, '\n', static_cast<size_t>(end_ - at));
    return newline == nullptr ? end_ : static_cast<const char*>(newline) + 1;
  }

  std::nullptr_t fail(std::string text) {
    part_.error = LineError{0, std::move(text)};
    return nullptr;
  }

  std::string_view text_;
  const char* end_;
  const char* line_ = nullptr;
  const LibsvmOptions& options_;
  LibsvmPart& part_;
  size_t used_ = 0;
  uint64_t largest_ = 0;
  bool ascending_ = true;
};

std::string plain(float label) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, label).ptr};
}

// Puts the parts together, in file order.
class Joiner {
 public:
  explicit Joiner(const std::string& path, const LibsvmOptions& options)
      : path_(path), options_(options) {}

  void append(const LibsvmPart& part) {
    SparseExamples& to = file_.examples;
    uint64_t offset = to.offset.back();
    for (const uint32_t length : part.lengths) to.offset.push_back(offset += length);
    const auto count = static_cast<ptrdiff_t>(part.nonzeros);
    if (to.value.empty() && !part.all_ones) to.value.assign(to.index.size(), 1.0F);
    if (!to.value.empty() || !part.all_ones) {
      to.value.insert(to.value.end(), part.value.begin(), part.value.begin() + count);
    }
    to.index.insert(to.index.end(), part.index.begin(), part.index.begin() + count);
    to.label.insert(to.label.end(), part.label.begin(), part.label.end());
    to.features = std::max(to.features, part.features);
    if (options_.classify) check_labels(part);
    lines_ += part.lines;
  }

  LibsvmFile finish(uint64_t lines) && {
    if (lines == 0) throw UserError(path_ + " is empty");
    SparseExamples& all = file_.examples;
    if (all.rows() == 0) throw UserError(path_ + " holds no examples");
    if (options_.classify) {
      file_.classes = options_.classes ? *options_.classes : classes();
      for (float& label : all.label) label = label == file_.classes->positive ? 1.0F : -1.0F;
    }
    return std::move(file_);
  }

 private:
  void check_labels(const LibsvmPart& part) {
    for (const auto& [label, line] : part.labels_seen) {
      const auto same = [l = label](const auto& s) { return s.first == l; };
      if (std::any_of(seen_.begin(), seen_.end(), same)) continue;
      seen_.emplace_back(label, lines_ + line);
      if (fits()) continue;
      throw_line_error(path_, lines_, LineError{line, unfit_text(label)});
    }
  }

  // All labels seen so far are among the two of one spelling.
  bool fits() const {
    if (options_.classes) return all_in(*options_.classes);
    return all_in({-1, 1}) || all_in({0, 1}) || all_in({1, 2});
  }

  bool all_in(Classes c) const {
    return std::all_of(seen_.begin(), seen_.end(), [c](const auto& s) {
      return s.first == c.negative || s.first == c.positive;
    });
  }

  std::string unfit_text(float label) const {
    std::string text = "the label " + plain(label) + " is not a class: ";
    if (options_.classes) {
      text += "the training data have " + plain(options_.classes->negative) + " and " +
              plain(options_.classes->positive);
    } else {
      text += "two classes are wanted, written -1 and 1, 0 and 1, or 1 and 2";
    }
    if (seen_.size() > 1) {
      text += ", and " + plain(seen_.front().first) + " stands in line " +
              std::to_string(seen_.front().second);
    }
    return text;
  }

  Classes classes() const {
    for (const Classes c : {Classes{-1, 1}, Classes{0, 1}, Classes{1, 2}}) {
      if (all_in(c)) return c;
    }
    HEMIOLA_CHECK(!"labels were checked as they came");
    return {};
  }

  const std::string& path_;
  const LibsvmOptions& options_;
  LibsvmFile file_;
  std::vector<std::pair<float, uint64_t>> seen_;
  uint64_t lines_ = 0;
};

}  // namespace

void parse_libsvm(std::string_view chunk, const LibsvmOptions& options, LibsvmPart& part) {
  part.lengths.clear();
  part.label.clear();
  part.labels_seen.clear();
  part.nonzeros = 0;
  part.all_ones = true;
  part.features = 0;
  part.lines = 0;
  part.error.reset();
  const size_t room = chunk.size() / 4 + 1;
  if (part.index.size() < room) {
    part.index.resize(room);
    part.value.resize(room);
  }
  LineParser(chunk, options, part).parse();
}

LibsvmFile read_libsvm(const std::string& path, const LibsvmOptions& options, const Runner& run) {
  if (options.max_index == UINT32_MAX) throw UserError("max_index can be at most 4294967294");
  Chunks file(path);
  Joiner joiner(path, options);
  const uint64_t lines = parse_lines<LibsvmPart>(
      file, run,
      [&](std::string_view text, bool, LibsvmPart& part) { parse_libsvm(text, options, part); },
      [&](const LibsvmPart& part) { joiner.append(part); });
  return std::move(joiner).finish(lines);
}

}  // namespace hemiola
