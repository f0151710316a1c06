#include "hemiola/data/text.h"

#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Numbers are those of first appearance until finish() sorts them.
class Collector {
 public:
  explicit Collector(Corpus& corpus) : corpus_(corpus) {}

  void add(const TextPart& part) {
    own_.resize(part.words.size());
    for (uint32_t w = 0; w < part.words.size(); ++w) {
      own_[w] = corpus_.words.add(part.words.name(w));
    }
    corpus_.counts.resize(corpus_.words.size());
    const uint64_t before = corpus_.tokens.size();
    for (const uint32_t token : part.tokens) {
      corpus_.tokens.push_back(own_[token]);
      ++corpus_.counts[own_[token]];
    }
    for (const uint32_t end : part.sentence_ends) end_sentence(before + end);
  }

  void end_file() { end_sentence(corpus_.tokens.size()); }

  void finish(uint64_t min_count) {
    corpus_.words_read = corpus_.tokens.size();
    drop(number_by_count(min_count));
  }

 private:
  void end_sentence(uint64_t at) {
    auto& ends = corpus_.sentence_ends;
    if (at > (ends.empty() ? 0 : ends.back())) ends.push_back(at);
  }

  // Gives the words their final numbers; of the old one by one, kNone for the rare.
  std::vector<uint32_t> number_by_count(uint64_t min_count) {
    const auto& counts = corpus_.counts;
    std::vector<uint32_t> order(counts.size());
    std::iota(order.begin(), order.end(), 0U);
    std::erase_if(order, [&](uint32_t w) { return counts[w] < min_count; });
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return counts[a] > counts[b]; });
    Dictionary words;
    std::vector<uint64_t> kept_counts;
    std::vector<uint32_t> number(counts.size(), Dictionary::kNone);
    for (const uint32_t old : order) {
      number[old] = words.add(corpus_.words.name(old));
      kept_counts.push_back(counts[old]);
    }
    corpus_.words = std::move(words);
    corpus_.counts = std::move(kept_counts);
    return number;
  }

  void drop(const std::vector<uint32_t>& number) {
    auto& tokens = corpus_.tokens;
    const auto ends = std::move(corpus_.sentence_ends);
    corpus_.sentence_ends.clear();
    uint64_t kept = 0, from = 0;
    for (const uint64_t end : ends) {
      for (; from < end; ++from) {
        const uint32_t id = number[tokens[from]];
        if (id != Dictionary::kNone) tokens[kept++] = id;
      }
      end_sentence(kept);
    }
    tokens.resize(kept);
  }

  Corpus& corpus_;
  std::vector<uint32_t> own_;  // by number in the part: the number in the corpus
};

// Memory is only taken when it is written to, so the guess may be generous: a packed byte is less
// than a word. Beyond the limit vectors grow as they do.
size_t guessed_words(std::span<const std::string> paths) {
  uint64_t bytes = 0;
  for (const std::string& path : paths) {
    std::error_code error;
    const uint64_t size = std::filesystem::file_size(path, error);
    if (!error) bytes += size;
  }
  return std::min<uint64_t>(bytes, 1 << 28);
}

}  // namespace

void parse_text(std::string_view chunk, TextPart& part) {
  part.words.clear();
  part.tokens.clear();
  part.sentence_ends.clear();
  part.lines = 0;
  const char* const end = chunk.data() + chunk.size();
  for (const char* at = chunk.data(); at != end;) {
    if (is_space(*at)) {
      if (*at == '\n') {
        part.sentence_ends.push_back(static_cast<uint32_t>(part.tokens.size()));
        ++part.lines;
      }
      ++at;
      continue;
    }
    const char* const begin = at;
    while (at != end && !is_space(*at)) ++at;
    part.tokens.push_back(part.words.add({begin, static_cast<size_t>(at - begin)}));
  }
}

Corpus read_text(std::span<const std::string> paths, const TextOptions& options,
                 const Runner& run) {
  Corpus corpus;
  corpus.tokens.reserve(guessed_words(paths));
  Collector collector(corpus);
  for (const std::string& path : paths) {
    Chunks file(path, Chunks::kChunkBytes, Chunks::Cut::words);
    parse_lines<TextPart>(
        file, run, [](std::string_view text, bool, TextPart& part) { parse_text(text, part); },
        [&](const TextPart& part) { collector.add(part); });
    collector.end_file();
  }
  collector.finish(options.min_count);
  if (!corpus.tokens.empty()) return corpus;
  const std::string files = paths.empty() ? "the text" : paths[0];
  if (corpus.words_read == 0) throw UserError("there are no words in " + files);
  throw UserError("no word occurs " + std::to_string(options.min_count) + " times in " + files +
                  "; lower data.min_count");
}

std::vector<std::string> text_files(const std::string& list) {
  std::vector<std::string> files;
  for (size_t at = 0; at <= list.size();) {
    const size_t comma = std::min(list.find(',', at), list.size());
    const std::string pattern = list.substr(at, comma - at);
    at = comma + 1;
    if (pattern.find_first_of("*?[") == std::string::npos) {
      if (!pattern.empty()) files.push_back(pattern);
      continue;
    }
    glob_t found{};
    const int result = ::glob(pattern.c_str(), 0, nullptr, &found);
    for (size_t i = 0; i < found.gl_pathc; ++i) files.emplace_back(found.gl_pathv[i]);
    ::globfree(&found);
    if (result != 0) throw UserError("no file matches " + pattern);
  }
  if (files.empty()) throw UserError("`" + list + "` names no text file");
  return files;
}

}  // namespace hemiola
