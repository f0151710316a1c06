#include "hemiola/train/calibration.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "hemiola/core/check.h"
#include "hemiola/data/publish.h"
#include "hemiola/train/json_text.h"

namespace hemiola {
namespace {

std::map<std::string, double> read_numbers(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return numbers_in_json(text.str(), path);
}

std::string vectors(const Job& job) {
  const ModelSection& model = job.model;
  return " dim=" + std::to_string(model.dim.value_or(0)) +
         " negatives=" + std::to_string(model.negatives.value_or(0)) + " " +
         model.sharing.value_or("");
}

}  // namespace

// Rows that are looked up cost more than rows of an array, so one node is another kind of job.
std::string calibration_key(const Job& job) {
  std::string key = job.model.kind;
  if (job.model.kind == "mf") key += " factors=" + std::to_string(job.model.factors);
  if (job.model.kind == "linear")
    key += " " + job.model.loss.value_or("logistic") + " data=" + job.data.kind;
  if (job.model.kind == "kge") key += " " + job.model.scorer + vectors(job);
  if (job.model.kind == "word2vec") key += vectors(job);
  if (job.model.kind == "dense") {
    key += " " + job.model.filters + " | " + job.model.hidden + " data=" + job.data.train;
  }
  if (job.data.kind == "synthetic") key += " " + job.data.generator;
  key += " " + job.train.optimizer.value_or("adagrad");
  return key + (job.cluster.nodes > 1 ? " nodes" : " node");
}

std::optional<double> read_calibration(const std::string& path, const Job& job) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const auto numbers = read_numbers(path);
  const auto found = numbers.find(calibration_key(job));
  if (found == numbers.end() || !(found->second > 0)) return std::nullopt;
  return found->second;
}

void write_calibration(const std::string& path, const Job& job, double ns_per_example) {
  std::map<std::string, double> numbers;
  if (std::filesystem::exists(path)) numbers = read_numbers(path);
  numbers[calibration_key(job)] = ns_per_example;
  const auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder);
  const std::string text = to_json(numbers);
  Publisher file(path);
  file.write(text.data(), text.size());
  file.commit();
}

double ns_per_example_of(const std::string& summary_path) {
  const auto numbers = read_numbers(summary_path);
  const auto cost = numbers.find("ns_per_example");
  if (cost == numbers.end() || !(cost->second > 0)) {
    throw UserError(summary_path + " says nothing of what an example costs");
  }
  return cost->second;
}

}  // namespace hemiola
