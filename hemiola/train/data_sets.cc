#include "hemiola/train/data_sets.h"

#include <array>
#include <string_view>
#include <vector>

#include "hemiola/core/check.h"
#include "hemiola/data/fashion_mnist.h"
#include "hemiola/data/wordnet.h"
#include "hemiola/train/nearest.h"

namespace hemiola {
namespace {

std::string make_wordnet(const std::string& folder, uint64_t seed) {
  WordnetOptions options;
  options.seed = seed;
  const Wordnet wordnet = read_wordnet(options);
  write_wordnet(folder, wordnet);
  const TripleData& data = wordnet.data;
  return std::to_string(data.train.size()) + " triples to train on, " +
         std::to_string(data.valid.size()) + " to try settings, " +
         std::to_string(data.test.size()) + " to test; " + std::to_string(data.entities.size()) +
         " entities, " + std::to_string(data.relations.size()) + " relations\n" + folder +
         "/train.txt, valid.txt, test.txt: triples\n" + folder +
         "/synsets.tsv: what the entities are\n";
}

std::string make_fashion_mnist(const std::string& folder, uint64_t) {
  const FashionMnist data = read_fashion_mnist();
  write_fashion_mnist(folder, data);
  return std::to_string(data.train.size()) + " images to train on, " +
         std::to_string(data.test.size()) + " to test; " + std::to_string(data.train.classes) +
         " classes\n" + folder + "/train-images-idx3-ubyte, t10k-images-idx3-ubyte: images\n" +
         folder + "/train-labels-idx1-ubyte, t10k-labels-idx1-ubyte: their labels\n";
}

struct DataSet {
  std::string_view name;
  std::string_view about;
  std::string (*make)(const std::string& folder, uint64_t seed);
};

constexpr std::array<DataSet, 2> kDataSets = {
    {{"wordnet", "knowledge graph of English words, of Debian's package wordnet-base",
      make_wordnet},
     {"fashion-mnist", "pictures of clothes, of Debian's package dataset-fashion-mnist",
      make_fashion_mnist}}};

}  // namespace

std::string data_sets_help() {
  std::string text;
  for (const DataSet& set : kDataSets) {
    text.append("  ").append(set.name).append("  ").append(set.about).append("\n");
  }
  return text;
}

std::string make_data_set(const std::string& name, const std::string& folder, uint64_t seed) {
  std::vector<std::string_view> known;
  for (const DataSet& set : kDataSets) {
    if (set.name == name) return set.make(folder, seed);
    known.push_back(set.name);
  }
  const auto near = nearest_name(name, known);
  throw UserError("unknown data set `" + name + "`" +
                  (near ? ": did you mean `" + *near + "`?" : "; `hemiola data` lists them"));
}

}  // namespace hemiola
