// Rows compared by the angle between them: nearest neighbours and analogies.
#pragma once

#include <limits>
#include <memory>

#include "hemiola/train/model_labels.h"
#include "hemiola/train/predict_answers.h"

namespace hemiola {

// Cosines with one row: parts are {its name}.
std::unique_ptr<Answerer> neighbours(const ModelReader& model, const StoredTable& table);

// "a b c": what is to c as b is to a; the cosine with b - a + c, all rows of length 1, without the
// three (Mikolov, Yih, Zweig, "Linguistic Regularities in Continuous Space Word Representations",
// NAACL 2013). Names are parted by tabs, or by blanks when there is no tab.
std::unique_ptr<Answerer> analogies(const ModelReader& model, const StoredTable& table);

// A score that leaves its row out.
inline constexpr float kLeftOut = -std::numeric_limits<float>::infinity();

// The largest of `scores`, with the labels of their rows; equal ones in order of their rows.
// `scores` are those of the rows from `first` on.
std::vector<Answer> best_rows(std::span<const float> scores, uint32_t first, uint32_t top,
                              const RowLabels& labels);

}  // namespace hemiola
