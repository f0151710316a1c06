#include "hemiola/models/word2vec.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"
#include "hemiola/models/word2vec_pass.h"

namespace hemiola {
namespace {

constexpr uint32_t kLargestBlock = 65'536;

const Word2VecKernels& kernels_here() {
#if defined(__x86_64__)
  if (simd_here() == Simd::avx512) return kWord2VecAvx512;
  if (simd_here() == Simd::avx2) return kWord2VecAvx2;
#endif
  return kWord2VecBaseline;
}

void check_range(const char* setting, uint32_t value, uint32_t least, uint32_t most) {
  if (value >= least && value <= most) return;
  throw UserError(std::string("word2vec: ") + setting + " must be between " +
                  std::to_string(least) + " and " + std::to_string(most) + ", not " +
                  std::to_string(value));
}

void check_options(const Word2VecOptions& o) {
  check_range("model.dim", o.dim, 1, 4096);
  check_range("model.window", o.window, 1, UINT8_MAX);
  check_range("model.negatives", o.negatives, 1, kWord2VecWidest - 1);
  check_range("train.epochs", o.epochs, 1, UINT32_MAX);
  check_range("train.batch", o.batch, 1, 1U << 24);
  check_range("train.lookahead", o.lookahead, 0, 1U << 16);
  if (!(o.rate > 0) || !(o.rate_end >= 0 && o.rate_end <= 1)) {
    throw UserError("word2vec: train.rate must be above 0, and train.rate_end between 0 and 1");
  }
  if (!(o.init_scale > 0)) throw UserError("word2vec: model.init_scale must be above 0");
  if (!(o.subsample >= 0) || !std::isfinite(o.power)) {
    throw UserError("word2vec: model.subsample must not be negative, and model.power a number");
  }
}

void check_text(const Word2VecData& data) {
  if (data.tokens.empty()) throw UserError("word2vec: there are no words to train on");
  for (const uint32_t token : data.tokens) {
    if (token >= data.counts.size()) {
      throw UserError("word2vec: word " + std::to_string(token) + " is out of range: there are " +
                      std::to_string(data.counts.size()) + " words");
    }
  }
  const auto& ends = data.sentence_ends;
  HEMIOLA_CHECK(std::is_sorted(ends.begin(), ends.end()));
  HEMIOLA_CHECK(ends.empty() || ends.back() <= data.tokens.size());
}

const Word2VecData& checked(const Word2VecData& data, const Word2VecOptions& options) {
  check_options(options);
  check_text(data);
  return data;
}

Word2VecOptions with_defaults(Word2VecOptions o, size_t tokens) {
  if (o.block == 0) {
    const size_t share = tokens / 16 / std::max(o.workers, 1U);
    o.block = std::max(o.batch, static_cast<uint32_t>(std::min<size_t>(share, kLargestBlock)));
  }
  return o;
}

}  // namespace

Word2VecTask::Word2VecTask(const Word2VecData& data, const Word2VecOptions& options)
    : options_(with_defaults(options, checked(data, options).tokens.size())),
      windows_(data.tokens, data.sentence_ends, data.counts, options.subsample, options.window,
               options.seed),
      evaluation_(data.questions, kInput, options.dim, static_cast<uint32_t>(data.counts.size()),
                  options.analogy_words, kernels_here()),
      kernels_(kernels_here()) {
  std::vector<float> weights;
  for (const uint64_t count : data.counts) {
    weights.push_back(std::pow(static_cast<float>(count), options_.power));
  }
  weights_ = std::make_shared<const std::vector<float>>(std::move(weights));
}

std::vector<TableSpec> Word2VecTask::tables() const {
  TableSpec input, output;
  input.name = "input";
  output.name = "output";
  input.rows = output.rows = static_cast<uint32_t>(weights_->size());
  input.row_length = output.row_length = options_.dim;
  input.init.kind = Initialiser::Kind::uniform;
  input.init.a = -options_.init_scale / static_cast<float>(options_.dim);
  input.init.b = options_.init_scale / static_cast<float>(options_.dim);
  input.init.seed = options_.seed;
  return {input, output};
}

std::vector<SamplerSpec> Word2VecTask::samplers() const {
  SamplerSpec negatives;
  negatives.name = "negatives";
  negatives.table = kOutput;
  negatives.count = static_cast<uint32_t>(weights_->size());
  negatives.weights = weights_;
  return {negatives};
}

BlockPlan Word2VecTask::plan(uint32_t) const {
  BlockPlan plan;
  plan.in_order = true;  // the rate falls from block to block
  for (uint64_t begin = 0; begin < windows_.size(); begin += options_.block) {
    const uint64_t words = std::min<uint64_t>(options_.block, windows_.size() - begin);
    plan.blocks.push_back({static_cast<uint32_t>(words)});
  }
  return plan;
}

float Word2VecTask::rate_at(uint32_t epoch, uint64_t place) const {
  const double size = static_cast<double>(windows_.size());
  const double done = (epoch + static_cast<double>(place) / size) / options_.epochs;
  const double end = options_.rate_end;
  return static_cast<float>(options_.rate * std::max(end, 1 - (1 - end) * done));
}

LossSum Word2VecTask::train(const Work& work, Parameters& params) const {
  const uint64_t begin = uint64_t{work.block} * options_.block;
  HEMIOLA_CHECK(begin < windows_.size());
  const uint64_t end = std::min(windows_.size(), begin + options_.block);
  Word2VecWindows::Block block, next;
  windows_.fill(block, work.epoch, begin, end, options_.batch);
  const uint64_t after = work.next ? uint64_t{*work.next} * options_.block : 0;
  const uint64_t seen = work.next ? uint64_t{options_.lookahead} * options_.batch : 0;
  windows_.fill(next, work.epoch, after,
                std::min({windows_.size(), after + options_.block, after + seen}), options_.batch);

  const Word2VecShape shape{
      static_cast<uint32_t>(weights_->size()), options_.dim, options_.negatives,
      options_.sharing == Word2VecOptions::Sharing::window, options_.lookahead};
  Word2VecPass pass(shape, kernels_, block, next, params);
  double loss = 0;
  for (uint64_t place = begin; place < end; place += options_.batch) {
    loss += pass.train(rate_at(work.epoch, place));
    params.step(std::min<uint64_t>(options_.batch, end - place));
  }
  if (!std::isfinite(loss)) {
    throw UserError(
        "word2vec: the loss is not a finite number in epoch " + std::to_string(work.epoch + 1) +
        ": training diverged; lower train.rate (it is " + std::to_string(options_.rate) + ")");
  }
  return {loss, static_cast<double>(end - begin)};
}

void Word2VecTask::evaluate(uint32_t part, Parameters& params, std::span<double> sums) const {
  evaluation_.evaluate(part, params, sums);
}

std::vector<Metric> Word2VecTask::metrics(std::span<const double> sums) const {
  return evaluation_.metrics(sums);
}

}  // namespace hemiola
