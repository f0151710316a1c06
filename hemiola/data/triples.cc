#include "hemiola/data/triples.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

// Splits at each tab, or at each run of blanks when there is no tab. Gives how many columns there
// are, at most one more than fits.
size_t split(std::string_view line, std::array<std::string_view, 3>& columns) {
  const bool tabs = line.find('\t') != std::string_view::npos;
  size_t count = 0;
  for (;;) {
    if (!tabs) {
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
      if (line.empty()) return count;
    }
    if (count == columns.size()) return count + 1;
    const size_t end = line.find(tabs ? '\t' : ' ');
    columns[count++] = line.substr(0, end);
    if (end == std::string_view::npos) return count;
    line.remove_prefix(end + 1);
  }
}

std::string_view line_at(std::string_view text, size_t at) {
  const void* newline = std::memchr(text.data() + at, '\n', text.size() - at);
  const size_t end = newline == nullptr
                         ? text.size()
                         : static_cast<size_t>(static_cast<const char*>(newline) - text.data());
  return text.substr(at, end - at);
}

// Adds one file's parts to a set, with the numbers of the whole.
class Joiner {
 public:
  Joiner(Triples& to, Dictionary& entities, Dictionary& relations)
      : to_(to), entities_(entities), relations_(relations) {}

  void append(const TriplesPart& part) {
    entities_.add_all(part.entities, entity_of_);
    relations_.add_all(part.relations, relation_of_);
    for (size_t i = 0; i < part.triples.size(); ++i) {
      to_.add(entity_of_[part.triples.head[i]], relation_of_[part.triples.relation[i]],
              entity_of_[part.triples.tail[i]]);
    }
  }

 private:
  Triples& to_;
  Dictionary& entities_;
  Dictionary& relations_;
  std::vector<uint32_t> entity_of_, relation_of_;  // by the part's numbers
};

void read_one(const std::string& path, Triples& into, TripleData& all, const Runner& run) {
  Chunks file(path);
  Joiner joiner(into, all.entities, all.relations);
  const uint64_t lines = parse_lines<TriplesPart>(
      file, run,
      [](std::string_view text, bool first, TriplesPart& part) {
        parse_triples(text, first, part);
      },
      [&](const TriplesPart& part) { joiner.append(part); });
  if (lines == 0) throw UserError(path + " is empty");
  if (into.size() == 0) throw UserError(path + " holds no triples");
}

}  // namespace

void parse_triples(std::string_view chunk, bool file_begin, TriplesPart& part) {
  part.triples.head.clear(), part.triples.relation.clear(), part.triples.tail.clear();
  part.entities.clear();
  part.relations.clear();
  part.lines = 0;
  part.error.reset();
  if (file_begin && chunk.starts_with("\xEF\xBB\xBF")) chunk.remove_prefix(3);
  for (size_t at = 0; at < chunk.size();) {
    std::string_view line = line_at(chunk, at);
    at += line.size() + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++part.lines;
    std::array<std::string_view, 3> columns;
    const size_t count = split(line, columns);
    if (count == 0) continue;
    const bool whole =
        std::none_of(columns.begin(), columns.end(), [](std::string_view c) { return c.empty(); });
    if (count != columns.size() || !whole) {
      part.error =
          LineError{part.lines, "expected `head TAB relation TAB tail`, found " + shown(line)};
      return;
    }
    const uint32_t head = part.entities.add(columns[0]);
    const uint32_t relation = part.relations.add(columns[1]);
    part.triples.add(head, relation, part.entities.add(columns[2]));
  }
}

TripleData read_triples(const std::string& train, const std::string& valid, const std::string& test,
                        const Runner& run) {
  TripleData all;
  read_one(train, all.train, all, run);
  all.trained_entities = all.entities.size();
  all.trained_relations = all.relations.size();
  if (!valid.empty()) read_one(valid, all.valid, all, run);
  if (!test.empty()) read_one(test, all.test, all, run);
  return all;
}

}  // namespace hemiola
