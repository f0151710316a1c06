// How fast are word vectors trained in one process, and how good do they get?
//
//   word2vec_single_node                              speed on the first 15 MB of wiki100m
//   word2vec_single_node train SHARING EPOCHS THREADS [SUBSAMPLE]    quality on all of it
//   word2vec_single_node evaluate FILE                vectors of another program, as text
//
// bench/word2vec_peer.py runs gensim with the same settings.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/report.h"
#include "hemiola/core/check.h"
#include "hemiola/core/random.h"
#include "hemiola/data/source.h"
#include "hemiola/data/text.h"
#include "hemiola/data/word_eval.h"
#include "hemiola/models/local_parameters.h"
#include "hemiola/models/word2vec.h"

namespace hemiola::bench {
namespace {

constexpr const char* kWiki = "../shared/data/wiki100m/wiki100m.bz2";
constexpr const char* kQuestions = "../shared/data/word-eval/";

// Two threads at most: this is for machines of two cores.
void on_threads(size_t count, const std::function<void(size_t)>& task) {
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i; (i = next++) < count;) task(i);
  };
  std::jthread other(work);
  work();
}

// The text's first `bytes`, cut at a blank.
std::string head_of_wiki(size_t bytes) {
  const std::string path = std::filesystem::temp_directory_path() / "hemiola_wiki_head.txt";
  std::string text(bytes, ' ');
  const auto source = open_source(kWiki);
  size_t size = 0;
  for (size_t got = 1; got > 0 && size < bytes; size += got) {
    got = source->read(text.data() + size, bytes - size);
  }
  text.resize(std::min(size, text.rfind(' ')));
  std::ofstream(path) << text;
  return path;
}

struct Loaded {
  Corpus corpus;
  Analogies analogies;
  std::vector<Similarities> similarities;

  explicit Loaded(const std::string& path) {
    const double start = wall_seconds(), cpu = cpu_seconds();
    corpus = read_text({&path, 1}, {}, on_threads);
    std::printf("%s: %zu words of %llu, %u different; read in %.2f s, %.2f CPU s\n", path.c_str(),
                corpus.tokens.size(), static_cast<unsigned long long>(corpus.words_read),
                corpus.words.size(), wall_seconds() - start, cpu_seconds() - cpu);
    const std::string folder = kQuestions;
    analogies = read_analogies(folder + "questions-words.txt", corpus.words);
    for (const char* name : {"EN-WS-353-ALL", "EN-SIMLEX-999", "EN-MEN-TR-3k"}) {
      similarities.push_back(read_similarities(folder + name + ".txt", corpus.words));
    }
  }

  Word2VecData data() const {
    Word2VecData data{corpus.tokens, corpus.sentence_ends, corpus.counts, {}};
    data.questions = {analogies.semantic, analogies.syntactic, {}};
    for (const Similarities& s : similarities) {
      data.questions.similarity.push_back({s.name, s.pairs, s.scores});
    }
    return data;
  }
};

// The epoch's loss for each word.
double train_epoch(const Word2VecTask& task, LocalTables& tables, uint32_t epoch, uint32_t threads,
                   bool by_pointer) {
  const size_t blocks = task.plan(threads).blocks.size();
  std::atomic<uint32_t> next{0};
  std::vector<LossSum> losses(threads);
  const auto work = [&](uint32_t t) {
    LocalParameters params(tables, task.samplers(), mix(11, epoch, t), by_pointer);
    for (uint32_t b; (b = next++) < blocks;) {
      const LossSum loss = task.train({b, epoch, {}}, params);
      losses[t].sum += loss.sum, losses[t].examples += loss.examples;
    }
  };
  std::vector<std::jthread> others;
  for (uint32_t t = 1; t < threads; ++t) others.emplace_back(work, t);
  work(0);
  others.clear();
  LossSum all;
  for (const LossSum& loss : losses) all.sum += loss.sum, all.examples += loss.examples;
  return all.sum / all.examples;
}

void print_metrics(const Word2VecTask& task, LocalTables& tables, const std::string& name) {
  LocalParameters params(tables);
  std::vector<double> sums(task.metric_sums());
  const double start = cpu_seconds();
  for (uint32_t p = 0; p < task.evaluation_parts(); ++p) task.evaluate(p, params, sums);
  const double seconds = cpu_seconds() - start;
  for (const Metric& m : task.metrics(sums)) result(name + "_" + m.name, m.value, "share");
  result(name + "_evaluation", seconds, "cpu_s");
}

void measure_speed(const Loaded& loaded, Word2VecOptions::Sharing sharing, const char* name,
                   bool by_pointer) {
  Word2VecOptions options;
  options.sharing = sharing;
  options.epochs = 1;
  const Word2VecTask task(loaded.data(), options);
  double best = 0;
  for (int i = 0; i < 3; ++i) {
    LocalTables tables(task.tables(), false);
    const double start = cpu_seconds();
    const double loss = train_epoch(task, tables, 0, 1, by_pointer);
    const double seconds = cpu_seconds() - start;
    std::printf("%s: %.3f CPU s, loss %.4f\n", name, seconds, loss);
    best = std::max(best, static_cast<double>(loaded.corpus.words_read) / seconds);
  }
  result(std::string("word2vec_") + name, best / 1000, "k_words/s/core");
}

void measure_quality(const Loaded& loaded, const std::string& sharing, uint32_t epochs,
                     uint32_t threads, float subsample) {
  Word2VecOptions options;
  options.sharing =
      sharing == "window" ? Word2VecOptions::Sharing::window : Word2VecOptions::Sharing::own;
  options.epochs = epochs;
  options.workers = threads;
  options.subsample = subsample;
  const Word2VecTask task(loaded.data(), options);
  LocalTables tables(task.tables(), false);
  const double start = cpu_seconds();
  for (uint32_t e = 0; e < epochs; ++e) {
    const double loss = train_epoch(task, tables, e, threads, false);
    std::printf("epoch %u: loss %.4f, %.1f CPU s so far\n", e + 1, loss, cpu_seconds() - start);
    std::fflush(stdout);
  }
  const double seconds = cpu_seconds() - start;
  const std::string name = "word2vec_" + sharing;
  result(name + "_rate", 1e-3 * static_cast<double>(loaded.corpus.words_read) * epochs / seconds,
         "k_words/s/core");
  print_metrics(task, tables, name);
}

// `words dim`, then lines `word value ...`.
void evaluate_file(const Loaded& loaded, const std::string& path) {
  std::ifstream file(path);
  size_t words = 0;
  Word2VecOptions options;
  file >> words >> options.dim;
  if (!file || options.dim == 0) throw UserError(path + " is no word2vec text file");
  const Word2VecTask task(loaded.data(), options);
  LocalTables tables(task.tables(), false);
  std::string word;
  for (size_t found = 0; file >> word;) {
    const uint32_t id = loaded.corpus.words.find(word);
    std::vector<float> row(options.dim);
    for (float& v : row) file >> v;
    if (id == Dictionary::kNone) continue;
    std::ranges::copy(row, tables.row(Word2VecTask::kInput, Key{id}).begin());
    if (++found == loaded.corpus.words.size()) break;
  }
  print_metrics(task, tables, "word2vec_file");
}

}  // namespace
}  // namespace hemiola::bench

int main(int argc, char** argv) {
  using namespace hemiola::bench;
  using hemiola::Word2VecOptions;
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (!std::filesystem::exists(kWiki)) {
    std::printf("no %s: nothing to measure\n", kWiki);
    return 0;
  }
  try {
    if (args.empty()) {
      const Loaded loaded(head_of_wiki(15'000'000));
      measure_speed(loaded, Word2VecOptions::Sharing::own, "own", false);
      measure_speed(loaded, Word2VecOptions::Sharing::own, "own_by_pointer", true);
      measure_speed(loaded, Word2VecOptions::Sharing::window, "window", false);
    } else if (args[0] == "train" && args.size() >= 4) {
      measure_quality(Loaded(kWiki), args[1], static_cast<uint32_t>(std::stoul(args[2])),
                      static_cast<uint32_t>(std::stoul(args[3])),
                      args.size() > 4 ? std::stof(args[4]) : 1e-4f);
    } else if (args[0] == "evaluate" && args.size() == 2) {
      evaluate_file(Loaded(kWiki), args[1]);
    } else {
      std::printf("usage: see the head of bench/word2vec_single_node.cc\n");
      return 2;
    }
  } catch (const hemiola::UserError& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
