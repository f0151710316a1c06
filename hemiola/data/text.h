// Texts: words between blanks. A line end also ends a sentence; a text need not have any.
//
// Words stay as they are written. Those that are rare are dropped, as if they were not in the text.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hemiola/data/dictionary.h"
#include "hemiola/data/lines.h"

namespace hemiola {

// 4 bytes for each word of the text.
struct Corpus {
  std::vector<uint32_t> tokens;         // numbers of words
  std::vector<uint64_t> sentence_ends;  // places in `tokens`, rising; the last is the end
  Dictionary words;                     // the commonest is 0; equally common ones as they came
  std::vector<uint64_t> counts;         // by word
  uint64_t words_read = 0;              // with those that were dropped

  std::string_view word(uint32_t id) const { return words.name(id); }
};

struct TextOptions {
  uint64_t min_count = 5;  // words that are rarer, over all files, are dropped
};

// The files in the order given, as one text, each of which ends a sentence. Throws UserError when a
// file cannot be read, or no word is common enough.
Corpus read_text(std::span<const std::string> paths, const TextOptions& options = {},
                 const Runner& run = in_order);

// The files that a list of paths, separated by commas, stands for; `*`, `?` and `[...]` stand for
// what they do in a shell, and what they match comes in order of the names. Throws UserError when a
// pattern matches nothing.
std::vector<std::string> text_files(const std::string& list);

// One chunk, for readers that bring their own chunks. Numbers are those of the part's own words.
struct TextPart {
  Dictionary words;
  std::vector<uint32_t> tokens;
  std::vector<uint32_t> sentence_ends;  // one for each line end, so some may be equal
  uint64_t lines = 0;
  std::optional<LineError> error;  // never: all is text
};
void parse_text(std::string_view chunk, TextPart& part);

}  // namespace hemiola
