// Data sets as text, in the forms that ratings.h and libsvm.h read back to the same values.
#pragma once

#include <string>

#include "hemiola/data/libsvm.h"
#include "hemiola/data/ratings.h"

namespace hemiola {

// The file appears when it is whole. Throw UserError when it cannot be written.
void write_ratings(const std::string& path, const Ratings& ratings);
// Indices count from 1; labels of classes are written -1 and 1.
void write_libsvm(const std::string& path, const SparseExamples& examples);

}  // namespace hemiola
