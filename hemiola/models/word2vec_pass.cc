#include "hemiola/models/word2vec_pass.h"

#include <algorithm>

#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

constexpr TableId kInput{0};
constexpr TableId kOutput{1};
constexpr uint32_t kSampler = 0;

float* row_of(const RowPlaces& rows, size_t place, uint32_t word) {
  return rows.at ? rows.at[place] : rows.base + word * rows.stride;
}

// Towards a group that is trained on soon: far enough ahead to hide a miss to memory.
constexpr size_t kGroupsAhead = 4;

void prefetch(const float* row, size_t dim) {
  for (size_t c = 0; c < dim; c += 16) __builtin_prefetch(row + c, 1);
}

}  // namespace

Word2VecPass::Word2VecPass(const Word2VecShape& shape, const Word2VecKernels& kernels,
                           const Block& block, const Block& next, Parameters& params)
    : shape_(shape),
      kernels_(kernels),
      block_(block),
      next_(next),
      params_(params),
      input_(params.direct(kInput)),
      output_(params.direct(kOutput)) {
  if (!input_ || !output_) input_ = output_ = std::nullopt;  // kernels take both one way
  for (size_t ahead = 0; ahead < shape_.lookahead; ++ahead) announce(ahead);
}

uint32_t Word2VecPass::draws(const Word2VecSpan& span) const {
  return (shape_.shared ? span.centres : span.pairs) * shape_.negatives;
}

void Word2VecPass::intend(const Block& block, const Word2VecSpan& span, size_t ahead) {
  if (ahead == 0 || span.pairs == 0 || input_) return;
  const auto first = static_cast<uint32_t>(ahead);
  const auto take = [&](uint32_t from, uint32_t to) {
    keys_.clear();
    for (uint32_t i = from; i < to; ++i) {
      if (block.words[i] != Word2VecWindows::kBreak) keys_.push_back(Key{block.words[i]});
    }
  };
  take(span.from, span.to);
  params_.intend(kInput, keys_, first, first + 1);
  take(span.first, span.last);
  params_.intend(kOutput, keys_, first, first + 1);
}

void Word2VecPass::announce(size_t ahead) {
  const size_t step = now_ + ahead;
  if (step >= block_.steps()) {
    // Its draws are announced when it is trained on: a ticket does not outlive a block.
    const size_t later = step - block_.steps();
    if (later < next_.steps()) intend(next_, span_of_step(next_, later), ahead);
    return;
  }
  Planned planned{span_of_step(block_, step), {}};
  intend(block_, planned.span, ahead);
  const auto first = static_cast<uint32_t>(ahead);
  if (const uint32_t n = draws(planned.span); n > 0) {
    planned.samples = params_.prepare_sample(kSampler, n, first, first + 1);
  }
  planned_.push_back(planned);
}

void Word2VecPass::lay_out(const Planned& step) {
  keys_.resize(draws(step.span));
  params_.sample(step.samples, keys_);
  inputs_.clear();
  counts_.clear();
  outputs_.clear();
  const Key* drawn = keys_.data();
  const auto add_group = [&](uint32_t centre) {
    outputs_.push_back(centre);
    for (uint32_t k = 0; k < shape_.negatives; ++k) outputs_.push_back((drawn++)->value);
  };
  each_window(block_, step.span.first, step.span.last, [&](uint32_t i, uint32_t from, uint32_t to) {
    const uint32_t centre = block_.words[i];
    if (shape_.shared) {
      counts_.push_back(to - from - 1);
      add_group(centre);
    }
    for (uint32_t near = from; near < to; ++near) {
      if (near == i) continue;
      inputs_.push_back(block_.words[near]);
      if (!shape_.shared) add_group(centre);
    }
  });
  groups_ = shape_.shared ? counts_.size() : inputs_.size();
}

void Word2VecPass::find_rows(TableId table, std::span<const uint32_t> words,
                             std::vector<float*>& rows) {
  keys_.resize(words.size());
  rows.resize(words.size());
  for (size_t i = 0; i < words.size(); ++i) keys_[i] = Key{words[i]};
  params_.rows(table, keys_, Access::write, rows);
}

double Word2VecPass::train(float rate) {
  announce(shape_.lookahead);
  const Planned step = planned_.front();
  planned_.pop_front();
  ++now_;
  if (step.span.pairs == 0) return 0;
  lay_out(step);
  RowPlaces input, output;
  if (input_) {
    input = {nullptr, input_->base, input_->stride};
    output = {nullptr, output_->base, output_->stride};
  } else {
    find_rows(kInput, inputs_, input_rows_);
    find_rows(kOutput, outputs_, output_rows_);
    input = {input_rows_.data()};
    output = {output_rows_.data()};
  }
  const Word2VecGroups groups{inputs_.data(), outputs_.data(),
                              shape_.shared ? counts_.data() : nullptr, groups_,
                              size_t{1} + shape_.negatives};
  return train_laid_out(groups, input, output, {shape_.dim, rate});
}

double Word2VecPass::train_laid_out(const Word2VecGroups& groups, const RowPlaces& input,
                                    const RowPlaces& output, const Word2VecStep& step) {
  if (params_.latches(kInput).needed() || params_.latches(kOutput).needed()) {
    return train_latched(groups, input, output, step);
  }
  return kernels_.train(groups, input, output, step);
}

// As Word2VecKernels::train, with each row changed under its latch. Slopes may be of rows that
// another worker is changing: that is a gradient of slightly older rows, and no change is lost.
double Word2VecPass::train_latched(const Word2VecGroups& groups, const RowPlaces& input,
                                   const RowPlaces& output, const Word2VecStep& step) {
  const VecKernels& v = vec();
  Latches& input_latches = params_.latches(kInput);
  Latches& output_latches = params_.latches(kOutput);
  float* y[kWord2VecWidest];
  float gains[kWord2VecWidest];
  before_.resize(step.dim);
  size_t pair = 0;
  double loss = 0;
  for (size_t g = 0; g < groups.size; ++g) {
    const unsigned* outputs = groups.outputs + g * groups.width;
    const size_t now = g * groups.width;
    const size_t later = std::min(g + kGroupsAhead, groups.size - 1) * groups.width;
    for (size_t j = 0; j < groups.width; ++j) {
      prefetch(row_of(output, later + j, groups.outputs[later + j]), step.dim);
      y[j] = row_of(output, now + j, outputs[j]);
    }
    for (size_t i = 0; i < (groups.counts ? groups.counts[g] : 1); ++i, ++pair) {
      float* x = row_of(input, pair, groups.inputs[pair]);
      loss += kernels_.gains(x, y, outputs, groups.width, step, gains);
      v.copy(before_.data(), x, step.dim);
      change_.assign(step.dim, 0);
      for (size_t j = 0; j < groups.width; ++j) {
        LatchGuard guard(output_latches, y[j]);
        kernels_.trade(y[j], before_.data(), change_.data(), gains[j], step.dim);
      }
      LatchGuard guard(input_latches, x);
      v.add(x, change_.data(), step.dim);
    }
  }
  return loss;
}

}  // namespace hemiola
