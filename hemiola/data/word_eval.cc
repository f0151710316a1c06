#include "hemiola/data/word_eval.h"

#include <filesystem>
#include <optional>

#include "hemiola/data/lines.h"
#include "hemiola/data/number.h"

namespace hemiola {
namespace {

char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

uint32_t find(const Dictionary& words, std::string_view word) {
  const uint32_t id = words.find(word);
  if (id != Dictionary::kNone) return id;
  std::string lower(word);
  for (char& c : lower) c = small(c);
  return words.find(lower);
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (size_t at = 0; at < line.size();) {
    const size_t begin = line.find_first_not_of(" \t\r", at);
    if (begin == std::string_view::npos) break;
    at = std::min(line.find_first_of(" \t\r", begin), line.size());
    fields.push_back(line.substr(begin, at - begin));
  }
  return fields;
}

// Calls each(fields, line number, line) for lines that are not blank.
template <class Each>
void for_lines(const std::string& path, Each&& each) {
  Chunks file(path);
  TextBuffer chunk;
  uint64_t number = 0;
  while (file.next(chunk)) {
    std::string_view text = chunk.text();
    while (!text.empty()) {
      const size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      ++number;
      const auto fields = fields_of(line);
      if (!fields.empty()) each(fields, number, line);
    }
  }
}

[[noreturn]] void refuse(const std::string& path, uint64_t line, const char* wanted,
                         std::string_view found) {
  throw_line_error(path, 0, {line, std::string("expected ") + wanted + ", found " + shown(found)});
}

template <size_t N>
std::optional<std::array<uint32_t, N>> ids(const Dictionary& words,
                                           const std::vector<std::string_view>& fields) {
  std::array<uint32_t, N> out;
  for (size_t i = 0; i < N; ++i) {
    out[i] = find(words, fields[i]);
    if (out[i] == Dictionary::kNone) return std::nullopt;
  }
  return out;
}

std::string name_of(const std::string& path) {
  std::string name;
  for (const char c : std::filesystem::path(path).stem().string()) {
    const char s = small(c);
    if ((s >= 'a' && s <= 'z') || number::is_digit(s)) name += s;
  }
  if (name.starts_with("en")) name.erase(0, 2);
  if (name.ends_with("all")) name.resize(name.size() - 3);
  return name.empty() ? "similarity" : name;
}

}  // namespace

Analogies read_analogies(const std::string& path, const Dictionary& words) {
  Analogies out;
  bool syntactic = false;
  for_lines(path, [&](const auto& fields, uint64_t number, std::string_view line) {
    if (fields[0].starts_with(':')) {
      const std::string_view own = fields[0].substr(1);
      const std::string_view name = own.empty() && fields.size() > 1 ? fields[1] : own;
      syntactic = name.starts_with("gram");
      return;
    }
    if (fields.size() != 4) refuse(path, number, "four words, or `: section`", line);
    const auto four = ids<4>(words, fields);
    if (four) {
      (syntactic ? out.syntactic : out.semantic).push_back(*four);
    } else {
      ++out.unknown;
    }
  });
  return out;
}

Similarities read_similarities(const std::string& path, const Dictionary& words) {
  Similarities out;
  out.name = name_of(path);
  for_lines(path, [&](const auto& fields, uint64_t number, std::string_view line) {
    float score = 0;
    const std::string_view last = fields.back();
    const char* const end = last.data() + last.size();
    if (fields.size() != 3 || number::parse_float(last.data(), end, score) != end) {
      refuse(path, number, "`word word score`", line);
    }
    const auto pair = ids<2>(words, fields);
    if (pair) {
      out.pairs.push_back(*pair);
      out.scores.push_back(score);
    } else {
      ++out.unknown;
    }
  });
  return out;
}

}  // namespace hemiola
