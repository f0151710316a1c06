// The tasks that learn vectors for what has a name: entities, relations, words.
#include <map>

#include "hemiola/core/check.h"
#include "hemiola/models/kge.h"
#include "hemiola/models/word2vec.h"
#include "hemiola/train/loaded_text.h"
#include "hemiola/train/progress.h"
#include "hemiola/train/task_factory.h"

namespace hemiola {
namespace {

TripleSpans spans(const Triples& t) { return {t.head, t.relation, t.tail}; }

template <class T>
T chosen(const std::string& word, const std::map<std::string, T>& known) {
  return known.at(word);
}

std::string count(uint64_t number) { return human_count(static_cast<double>(number)); }

}  // namespace

void LoadedTask::load_triples(const Job& job, const Runner& run) {
  const DataSection& data = job.data;
  triples_ = read_triples(data.train, data.valid, data.test, run);
  dictionaries_ = {{"entities", &triples_.entities}, {"relations", &triples_.relations}};
  description_ = human_count(static_cast<double>(triples_.train.size())) +
                 " triples to train on, " +
                 human_count(static_cast<double>(triples_.valid.size())) + " to try settings, " +
                 human_count(static_cast<double>(triples_.test.size())) + " to test; " +
                 human_count(triples_.entities.size()) + " entities, " +
                 human_count(triples_.relations.size()) + " relations";
  if (const uint32_t unseen = triples_.entities.size() - triples_.trained_entities; unseen > 0) {
    description_ += "; " + human_count(unseen) + " entities are not in the training set";
  }
}

void LoadedTask::set_up_kge(const Job& job) {
  const ModelSection& model = job.model;
  KgeOptions options;
  options.scorer = chosen<KgeScorer>(model.scorer, {{"complex", KgeScorer::complex},
                                                    {"distmult", KgeScorer::distmult},
                                                    {"transe", KgeScorer::transe},
                                                    {"rotate", KgeScorer::rotate},
                                                    {"rescal", KgeScorer::rescal}});
  options.loss = chosen<KgeLoss>(*model.loss, {{"softmax", KgeLoss::softmax},
                                               {"logistic", KgeLoss::logistic},
                                               {"self_adversarial", KgeLoss::self_adversarial}});
  options.dim = static_cast<uint32_t>(*model.dim);
  options.norm = model.norm;
  options.reciprocal = model.reciprocal;
  options.margin = static_cast<float>(model.margin);
  options.temperature = static_cast<float>(model.temperature);
  options.negatives = static_cast<uint32_t>(*model.negatives);
  options.sharing = *model.sharing == "own" ? KgeSharing::own : KgeSharing::shared;
  options.n3 = static_cast<float>(model.n3);
  options.l2 = static_cast<float>(model.l2.value_or(0));
  options.dropout = static_cast<float>(model.dropout);
  options.optimizer = *job.train.optimizer == "sgd" ? Optimizer::sgd : Optimizer::adagrad;
  options.state = job.train.state == "row" ? KgeState::row : KgeState::value;
  options.rate = static_cast<float>(job.train.rate.value_or(0));
  options.decay = static_cast<float>(job.train.decay);
  options.batch = static_cast<uint32_t>(*job.train.batch);
  options.init_scale = static_cast<float>(model.init_scale.value_or(0));
  options.lookahead = static_cast<uint32_t>(*job.train.lookahead);
  options.seed = job.job.seed;
  const std::string& on = *job.train.evaluate_on;
  options.evaluate_test = on == "test" || on == "both";
  options.evaluate_valid = on == "valid" || on == "both";
  task_ = std::make_unique<KgeTask>(
      KgeData{spans(triples_.train), spans(triples_.valid), spans(triples_.test),
              triples_.entities.size(), triples_.relations.size()},
      options);
}

void LoadedTask::load_text(const Job& job, const Runner& run) {
  const DataSection& data = job.data;
  text_ = std::make_unique<LoadedText>();
  TextOptions options;
  options.min_count = data.min_count;
  text_->corpus = read_text(text_files(data.train), options, run);
  dictionaries_ = {{"input", &text_->corpus.words}, {"output", &text_->corpus.words}};
  description_ = count(text_->corpus.words_read) + " words to train on, " +
                 count(text_->corpus.tokens.size()) + " of them common enough; " +
                 count(text_->corpus.words.size()) + " different ones";
  uint64_t unknown = 0;
  if (!data.analogies.empty()) {
    text_->analogies = read_analogies(data.analogies, text_->corpus.words);
    unknown += text_->analogies.unknown;
    description_ += ", " +
                    count(text_->analogies.semantic.size() + text_->analogies.syntactic.size()) +
                    " analogies";
  }
  if (!data.similarity.empty()) {
    for (const std::string& path : text_files(data.similarity)) {
      text_->similarities.push_back(read_similarities(path, text_->corpus.words));
      unknown += text_->similarities.back().unknown;
      description_ += ", " + count(text_->similarities.back().scores.size()) + " pairs of " +
                      text_->similarities.back().name;
    }
  }
  if (unknown > 0) description_ += "; " + count(unknown) + " with unknown words are left out";
}

void LoadedTask::set_up_word2vec(const Job& job) {
  const ModelSection& model = job.model;
  Word2VecOptions options;
  options.dim = static_cast<uint32_t>(*model.dim);
  options.window = model.window;
  options.negatives = static_cast<uint32_t>(*model.negatives);
  options.sharing =
      *model.sharing == "window" ? Word2VecOptions::Sharing::window : Word2VecOptions::Sharing::own;
  options.power = static_cast<float>(model.power);
  options.subsample = static_cast<float>(model.subsample);
  if (job.train.rate) options.rate = static_cast<float>(*job.train.rate);
  options.rate_end = static_cast<float>(job.train.rate_end);
  options.epochs = job.train.epochs;
  options.batch = static_cast<uint32_t>(*job.train.batch);
  options.lookahead = static_cast<uint32_t>(*job.train.lookahead);
  options.workers = job.cluster.nodes * job.cluster.workers;
  options.analogy_words = model.analogy_words;
  options.seed = job.job.seed;
  Word2VecData data;
  data.tokens = text_->corpus.tokens;
  data.sentence_ends = text_->corpus.sentence_ends;
  data.counts = text_->corpus.counts;
  data.questions.semantic = text_->analogies.semantic;
  data.questions.syntactic = text_->analogies.syntactic;
  for (const Similarities& s : text_->similarities) {
    data.questions.similarity.push_back({s.name, s.pairs, s.scores});
  }
  task_ = std::make_unique<Word2VecTask>(data, options);
}

}  // namespace hemiola
