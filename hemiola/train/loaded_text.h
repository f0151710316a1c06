// A text, and what the vectors of its words are measured by.
#pragma once

#include <vector>

#include "hemiola/data/text.h"
#include "hemiola/data/word_eval.h"

namespace hemiola {

struct LoadedText {
  Corpus corpus;
  Analogies analogies;
  std::vector<Similarities> similarities;
};

}  // namespace hemiola
