// What a model of facts or of ratings says of a pair.
#pragma once

#include <memory>
#include <string>

#include "hemiola/train/predict_answers.h"

namespace hemiola {

// The best ends of facts, by the model's own score, but for those that make facts of the file
// `known` (empty: none). Parts are {head, relation} for the tails, and {relation, tail} for the
// heads. REQUIRES: model.kind is kge.
enum class MissingEnd : uint8_t { head, tail };
std::unique_ptr<Answerer> links(const ModelReader& model, MissingEnd missing,
                                const std::string& known);

// Parts are {user, item}, or {user} for the items of the highest ratings. REQUIRES: model.kind is
// mf.
std::unique_ptr<Answerer> ratings(const ModelReader& model);

}  // namespace hemiola
