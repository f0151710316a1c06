#include "hemiola/data/wordnet_files.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <unordered_map>

#include "hemiola/core/check.h"
#include "hemiola/data/lines.h"

namespace hemiola {
namespace {

struct Part {
  char letter;
  const char* name;
};
constexpr std::array<Part, 4> kParts = {{{'n', "noun"}, {'v', "verb"}, {'a', "adj"}, {'r', "adv"}}};

constexpr uint64_t kMostOffset = 99'999'999;

uint64_t place_key(char file, uint64_t offset) {
  return static_cast<uint64_t>(file) * (kMostOffset + 1) + offset;
}

// The columns of a line, between single blanks. What is not there or is no number makes it bad.
class Columns {
 public:
  explicit Columns(std::string_view text) : rest_(text) {}

  std::string_view next() {
    const size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view column = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    bad_ = bad_ || column.empty();
    return column;
  }

  uint64_t number(int base = 10) {
    const std::string_view column = next();
    uint64_t value = 0;
    const char* end = column.data() + column.size();
    const auto [at, error] = std::from_chars(column.data(), end, value, base);
    bad_ = bad_ || error != std::errc() || at != end || value > kMostOffset;
    return value;
  }

  char letter() {
    const std::string_view column = next();
    bad_ = bad_ || column.size() != 1;
    return column.empty() ? ' ' : column[0];
  }

  void require(bool condition) { bad_ = bad_ || !condition; }
  bool bad() const { return bad_; }

 private:
  std::string_view rest_;
  bool bad_ = false;
};

std::string small_letters(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// "galore(ip)" is the word galore with a note on where it may stand.
std::string_view without_marker(std::string_view word) {
  return word.ends_with(')') ? word.substr(0, word.rfind('(')) : word;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Calls take(line) for each line but those of the licence; it says whether the line is right.
template <class Take>
void each_line(const std::string& path, const char* expected, Take&& take) {
  if (!std::filesystem::exists(path)) {
    throw UserError("WordNet is not on this machine (" + path +
                    " is missing); `apt-get install wordnet-base` brings it");
  }
  Chunks file(path);
  TextBuffer chunk;
  uint64_t lines = 0;
  while (file.next(chunk)) {
    std::string_view text = chunk.text();
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      ++lines;
      if (line.starts_with("  ") || line.empty() || take(line)) continue;
      throw_line_error(path, lines - 1,
                       {1, std::string("expected ") + expected + ", found " + shown(line)});
    }
  }
}

class Reader {
 public:
  explicit Reader(const std::string& folder) : folder_(folder) {}

  WordnetFiles read() {
    for (const Part& part : kParts) {
      each_line(folder_ + "/data." + part.name, "a synset as in wndb(5)",
                [&](std::string_view line) { return synset(part.letter, line); });
    }
    for (const Part& part : kParts) {
      each_line(folder_ + "/index." + part.name, "a word's synsets as in wndb(5)",
                [&](std::string_view line) { return meanings(part.letter, line); });
    }
    join();
    return std::move(files_);
  }

 private:
  bool synset(char file, std::string_view line) {
    const size_t bar = std::min(line.find(" | "), line.size());
    Columns columns(line.substr(0, bar));
    WordnetSynset s;
    s.offset = static_cast<uint32_t>(columns.number());
    columns.next();  // the lexicographers' file
    s.type = columns.letter();
    columns.require(s.file() == file);
    const uint64_t words = columns.number(16);
    columns.require(words > 0);
    for (uint64_t w = 0; w < words && !columns.bad(); ++w) {
      std::string word(without_marker(columns.next()));
      columns.next();  // number among the same words of the lexicographers' file
      if (w == 0) s.word = small_letters(word);
      std::replace(word.begin(), word.end(), '_', ' ');
      s.words.append(w > 0 ? ", " : "").append(word);
    }
    const auto here = static_cast<uint32_t>(files_.synsets.size());
    const uint64_t pointers = columns.number();
    for (uint64_t p = 0; p < pointers && !columns.bad(); ++p) {
      const std::string_view symbol = columns.next();
      columns.require(symbol.size() <= 2);
      const uint64_t offset = columns.number();
      const char target = columns.letter();
      columns.next();  // which words of the two
      if (columns.bad()) break;
      WordnetPointer pointer{here, 0, {}};
      std::copy(symbol.begin(), symbol.end(), pointer.symbol.begin());
      files_.pointers.push_back(pointer);
      targets_.push_back(place_key(target, offset));
    }
    if (columns.bad()) return false;
    if (bar < line.size()) s.gloss = trimmed(line.substr(bar + 3));
    std::replace(s.gloss.begin(), s.gloss.end(), '\t', ' ');
    by_place_.emplace(place_key(file, s.offset), here);
    files_.synsets.push_back(std::move(s));
    return true;
  }

  // word kind how_many how_many [symbol...] how_many how_many_in_texts offset...
  bool meanings(char file, std::string_view line) {
    Columns columns(line);
    const std::string_view word = columns.next();
    columns.next();
    const uint64_t synsets = columns.number();
    for (uint64_t symbols = columns.number(); symbols > 0 && !columns.bad(); --symbols) {
      columns.next();
    }
    columns.number();
    columns.number();
    for (uint32_t meaning = 1; meaning <= synsets; ++meaning) {
      const uint64_t offset = columns.number();
      if (columns.bad()) return false;
      const auto found = by_place_.find(place_key(file, offset));
      if (found == by_place_.end()) return false;
      WordnetSynset& synset = files_.synsets[found->second];
      if (synset.word == word) synset.meaning = meaning;
    }
    return !columns.bad();
  }

  void join() {
    for (size_t p = 0; p < targets_.size(); ++p) {
      const auto found = by_place_.find(targets_[p]);
      if (found == by_place_.end()) {
        const WordnetSynset& from = files_.synsets[files_.pointers[p].from];
        throw UserError("the synset of " + from.word + " in " + folder_ +
                        " points to one that is not there; are its files of one version?");
      }
      files_.pointers[p].to = found->second;
    }
  }

  const std::string& folder_;
  WordnetFiles files_;
  std::vector<uint64_t> targets_;  // by pointer: the key of its synset
  std::unordered_map<uint64_t, uint32_t> by_place_;
};

}  // namespace

WordnetFiles read_wordnet_files(const std::string& folder) { return Reader(folder).read(); }

}  // namespace hemiola
