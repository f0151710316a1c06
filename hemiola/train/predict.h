// `hemiola predict`: what a saved model says: rows that are alike, analogies, the missing end of a
// fact, ratings.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <ostream>
#include <string>

namespace hemiola {

struct PredictOptions {
  std::string folder;  // of the run, or of the model in it
  std::string table;   // of near and analogy; empty: the first

  // What is asked. Where one says "-", each line of the input asks anew: a line holds, parted by
  // tabs, what the options with "-" stand for, in the order in which they stand here.
  std::optional<std::string> near;                  // a name
  std::optional<std::string> analogy;               // "man king woman": as man to king, woman to ?
  std::optional<std::string> head, relation, tail;  // two of them; the third is the answer
  std::optional<std::string> user, item;            // a rating; the user alone: the best items

  // Leaves out the ends of facts that are known: those in `facts`, a file of triples; empty: in the
  // data that the model was trained on.
  bool only_new = false;
  std::string facts;

  uint32_t top = 10;
  bool json = false;
};

// Gives the exit status: 1 when a line of the input could not be answered, which `wrong` has then
// been told; the others are answered all the same. Throws UserError for all other mistakes.
int predict(const PredictOptions& options, std::istream& in, std::ostream& out,
            std::ostream& wrong);

}  // namespace hemiola
