// `hemiola export`: the tables of a saved model in the formats of others.
#pragma once

#include <ostream>
#include <string>

namespace hemiola {

struct ExportOptions {
  std::string folder;  // of the run, or of the model in it
  std::string format;  // npy, csv, word2vec, word2vec-binary or safetensors
  std::string table;   // empty: all; for the formats of word2vec the first, which is the result
  std::string out;  // file, or folder when there are several; empty: `export` in the run's folder
};

// Says in a line for each file what it has written. Throws UserError.
void export_model(const ExportOptions& options, std::ostream& said);

}  // namespace hemiola
