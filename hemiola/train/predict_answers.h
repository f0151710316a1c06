// The kinds of questions that a saved model answers.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "hemiola/train/model_store.h"
#include "hemiola/train/predict.h"

namespace hemiola {

struct Answer {
  std::string name;
  double score = 0;
};

// One kind of question, and the model loaded for it.
class Answerer {
 public:
  virtual ~Answerer() = default;

  // What a score is: "cosine", "score", "rating".
  virtual const char* measure() const = 0;

  // The best first. `parts`: of the question, in the order of PredictOptions. Throws UserError.
  virtual std::vector<Answer> answer(std::span<const std::string> parts, uint32_t top) = 0;
};

// A part of a question: the option's name and what was given.
struct Part {
  std::string option;
  std::string text;
};
std::vector<Part> parts_of(const PredictOptions& options);

// Throws UserError when the options are no question, or none for this model.
std::unique_ptr<Answerer> answerer_for(const PredictOptions& options, const ModelReader& model);

}  // namespace hemiola
