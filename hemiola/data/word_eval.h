// What word vectors are measured by: analogies and similarities of words.
//
// A word is looked up as it is written, then in small letters. Lines with a word that the vectors
// do not have are left out and counted.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "hemiola/data/dictionary.h"

namespace hemiola {

struct Analogies {
  std::vector<std::array<uint32_t, 4>> semantic;
  std::vector<std::array<uint32_t, 4>> syntactic;  // of sections whose names begin with "gram"
  uint64_t unknown = 0;                            // questions left out
};

// Lines `a b c d`, in sections that begin with a line `: name`. Throws UserError with file and
// line.
Analogies read_analogies(const std::string& path, const Dictionary& words);

struct Similarities {
  std::string name;  // from the file's: "EN-WS-353-ALL.txt" is "ws353", "EN-RG-65.txt" "rg65"
  std::vector<std::array<uint32_t, 2>> pairs;
  std::vector<float> scores;  // by pair
  uint64_t unknown = 0;       // pairs left out
};

// Lines `word word score`, separated by blanks or tabs. Throws UserError with file and line.
Similarities read_similarities(const std::string& path, const Dictionary& words);

}  // namespace hemiola
