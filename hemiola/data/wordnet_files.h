// WordNet's own files: data.noun, data.verb, data.adj, data.adv and their indexes, as wndb(5) has
// them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace hemiola {

struct WordnetSynset {
  char type = 'n';       // n, v, a, s (a satellite of an adjective), r
  uint32_t offset = 0;   // in its file; unique together with the file
  uint32_t meaning = 0;  // which one of its first word it is, from 1; 0: the index does not say
  std::string word;      // the first, in small letters
  std::string words;     // all of them, for people: "dog, domestic dog"
  std::string gloss;

  char file() const { return type == 's' ? 'a' : type; }
};

// Of a synset or one of its words to another.
struct WordnetPointer {
  uint32_t from = 0;  // places among the synsets
  uint32_t to = 0;
  std::array<char, 2> symbol{};  // "@" or "@i"

  auto operator<=>(const WordnetPointer&) const = default;
};

struct WordnetFiles {
  std::vector<WordnetSynset> synsets;    // as they come in the files
  std::vector<WordnetPointer> pointers;  // the same; one may be there for several words
};

// Throws UserError: a file is missing (naming Debian's package), or a line of it is not as it
// should be (with file and line).
WordnetFiles read_wordnet_files(const std::string& folder);

}  // namespace hemiola
