// Any model under any scheme: a small job of each model learns in the simulator, whichever way its
// workers keep together.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "hemiola/data/temp_folder.h"
#include "hemiola/train/json_text.h"
#include "hemiola/train/settings.h"
#include "hemiola/train/simulate.h"

namespace hemiola {
namespace {

struct Model {
  std::string name;
  std::vector<std::string> settings;
};

std::string triples(uint32_t seed) {
  std::string text;
  Random random(seed);
  for (int i = 0; i < 600; ++i) {
    const auto a = random.below(30), r = random.below(3);
    text += "e" + std::to_string(a) + "\tr" + std::to_string(r) + "\te" +
            std::to_string((a + 7 * r + 1) % 30) + "\n";
  }
  return text;
}

// Words that come in one of ten circles.
std::string words() {
  std::string text;
  Random random(4);
  for (int line = 0; line < 300; ++line) {
    const auto circle = random.below(10);
    for (int i = 0; i < 20; ++i) {
      text += "w" + std::to_string(circle * 5 + random.below(5)) + (i == 19 ? "\n" : " ");
    }
  }
  return text;
}

void put_number(std::string& text, uint32_t n) {
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(n >> shift);
}

// Pictures of 8 x 8 with a bright row that tells their class.
std::pair<std::string, std::string> pictures(uint32_t count, uint64_t seed) {
  std::string images, labels;
  Random random(seed);
  put_number(images, 0x803), put_number(images, count), put_number(images, 8);
  put_number(images, 8), put_number(labels, 0x801), put_number(labels, count);
  for (uint32_t i = 0; i < count; ++i) {
    const auto label = random.below(8);
    labels += static_cast<char>(label);
    for (uint32_t p = 0; p < 64; ++p) {
      images += static_cast<char>(random.below(90) + (p / 8 == label ? 120 : 0));
    }
  }
  return {images, labels};
}

class EveryScheme : public testing::TestWithParam<std::string> {
 protected:
  std::vector<Model> models() {
    const auto [images, labels] = pictures(1200, 1);
    folder_.write("train-images-idx3-ubyte", images);
    folder_.write("train-labels-idx1-ubyte", labels);
    const auto [few, few_labels] = pictures(200, 2);
    folder_.write("t10k-images-idx3-ubyte", few);
    folder_.write("t10k-labels-idx1-ubyte", few_labels);
    const std::string at = folder_.path("");
    return {
        {"mf", {"data.examples=20000", "data.users=100", "data.items=60", "model.factors=4"}},
        {"linear",
         {"model.kind=linear", "data.generator=sparse", "data.examples=8000", "data.features=500",
          "data.nonzeros=10"}},
        {"kge",
         {"model.kind=kge", "data.kind=triples", "data.train=" + folder_.write("kg", triples(1)),
          "data.test=" + folder_.write("kt", triples(2)), "model.dim=8", "model.negatives=10",
          "train.batch=16"}},
        {"word2vec",
         {"model.kind=word2vec", "data.kind=text", "data.train=" + folder_.write("w", words()),
          "data.min_count=1", "model.dim=8", "model.subsample=0", "train.batch=64",
          "train.rate=0.1"}},
        {"dense",
         {"model.kind=dense", "data.kind=images", "data.train=" + at + "train-images-idx3-ubyte",
          "data.test=" + at + "t10k-images-idx3-ubyte", "model.hidden=16", "train.batch=32"}},
    };
  }

  std::map<std::string, double> run(const Model& model, const std::string& scheme,
                                    const std::string& codec = "none") {
    Job job;
    for (const auto& s : model.settings) set_override(job, s);
    for (const std::string s :
         {"train.epochs=6", "train.save=false", "cluster.nodes=2", "cluster.workers=2"}) {
      set_override(job, s);
    }
    set_override(job, "sync.scheme=" + scheme);
    set_override(job, "sync.compress=" + codec);
    set_override(job, "sync.copies=1");  // backups are sent as they are
    resolve(job);
    Flags flags;
    flags.out = folder_.path("out");
    flags.quiet = true;
    flags.ns_per_example = 1000;
    Progress progress(progress_options(flags));
    const JobOver over = simulate(job, flags, progress);
    EXPECT_TRUE(over.ok) << model.name << " under " << scheme << " with " << codec << ": "
                         << over.reason;
    return numbers_in_json(folder_.read("out/summary.json"), "summary.json");
  }

 private:
  test::TempFolder folder_;
};

TEST_P(EveryScheme, Every_model_learns) {
  for (const Model& model : models()) {
    const auto numbers = run(model, GetParam());
    const double first = numbers.at("epochs/0/loss"), last = numbers.at("final/loss");
    EXPECT_LT(last, 0.97 * first) << model.name;
    std::printf("%-9s %-16s loss %.4g -> %.4g\n", model.name.c_str(), GetParam().c_str(), first,
                last);
  }
}

std::string scheme_name(const testing::TestParamInfo<std::string>& scheme) {
  std::string name = scheme.param;
  for (char& c : name) c = std::isalnum(c) ? c : '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Schemes, EveryScheme,
                         testing::Values("bsp", "bsp strict", "ssp(2)", "essp(2)", "async",
                                         "allreduce", "local(4)", "outer(4)", "gossip", "pushsum",
                                         "consensus", "backup", "backup(search)", "groups(2, 2)"),
                         scheme_name);

// Every codec that a scheme takes; schemes of one kind differ in nothing that a codec knows of.
struct Packed {
  const char* scheme;
  std::vector<std::string> codecs;
};
const Packed kPacked[] = {
    {"ssp(2)", {"bf16", "quantise(8)", "quantise(4)", "quantise(2)"}},
    {"async", {"bf16", "quantise(4)"}},
    {"allreduce",
     {"bf16", "quantise(8)", "quantise(4)", "quantise(2)", "topk(0.1)", "sign", "lowrank(2)",
      "auto"}},
    {"gossip", {"bf16", "quantise(4)", "topk(0.3)"}},
    {"pushsum", {"bf16", "quantise(8)", "quantise(4)", "quantise(2)", "topk(0.3)", "lowrank(2)"}},
    {"backup", {"bf16", "quantise(4)", "topk(0.3)"}},
    {"groups(4, 2)", {"bf16", "quantise(8)", "quantise(4)"}},
};

// The smallest vectors go as they are, so models are a little larger here.
class EveryCodec : public EveryScheme {};

TEST_P(EveryCodec, Every_model_learns_and_sends_less) {
  for (const Packed& packed : kPacked) {
    if (packed.scheme != GetParam()) continue;
    for (Model model : models()) {
      const std::map<std::string, std::string> larger = {{"mf", "model.factors=16"},
                                                         {"linear", "data.features=3000"},
                                                         {"kge", "model.dim=64"},
                                                         {"word2vec", "model.dim=32"},
                                                         {"dense", "model.hidden=48"}};
      model.settings.push_back(larger.at(model.name));
      const double floats = run(model, GetParam()).at("bytes_sent");
      for (const std::string& codec : packed.codecs) {
        const auto numbers = run(model, GetParam(), codec);
        const double first = numbers.at("epochs/0/loss"), last = numbers.at("final/loss");
        const double share = numbers.at("bytes_sent") / floats;
        EXPECT_LT(last, 0.97 * first) << model.name << " " << codec;
        // On a fast network it may well choose none.
        EXPECT_LT(share, codec == "auto" ? 1.05 : 0.95) << model.name << " " << codec;
        std::printf("%-9s %-12s loss %.4g -> %.4g, %.2f of the bytes\n", model.name.c_str(),
                    codec.c_str(), first, last, share);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Schemes, EveryCodec,
                         testing::Values("ssp(2)", "async", "allreduce", "gossip", "pushsum",
                                         "backup", "groups(4, 2)"),
                         scheme_name);

}  // namespace
}  // namespace hemiola
