// Triples: text lines `head TAB relation TAB tail`, a fact each.
//
// Columns are separated by one tab, so names may hold blanks; in a line without any tab they are
// separated by blanks. Names stay as they are. Empty lines are skipped; line ends may be LF or
// CRLF. The same triple may occur more than once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hemiola/data/dictionary.h"
#include "hemiola/data/lines.h"

namespace hemiola {

struct Triples {
  // The three have the same length: one entry per triple, in file order.
  std::vector<uint32_t> head, relation, tail;

  size_t size() const { return head.size(); }
  void add(uint32_t h, uint32_t r, uint32_t t) {
    head.push_back(h), relation.push_back(r), tail.push_back(t);
  }
  bool operator==(const Triples&) const = default;
};

// Numbers of entities and relations follow their first appearance in train, then valid, then
// test; within a line head comes before tail.
struct TripleData {
  Triples train, valid, test;
  Dictionary entities, relations;
  // Entities below it occur in train; the others only in valid or test.
  uint32_t trained_entities = 0;
  uint32_t trained_relations = 0;
};

// An empty path leaves that set empty. Throws UserError with file and line; a file without any
// triple is an error.
TripleData read_triples(const std::string& train, const std::string& valid, const std::string& test,
                        const Runner& run = in_order);

// One chunk, for readers that bring their own chunks. Numbers are those of the part's own
// dictionaries. Pure.
struct TriplesPart {
  Triples triples;
  Dictionary entities, relations;
  uint64_t lines = 0;
  std::optional<LineError> error;
};
// `file_begin`: the chunk may start with a byte order mark.
void parse_triples(std::string_view chunk, bool file_begin, TriplesPart& part);

}  // namespace hemiola
