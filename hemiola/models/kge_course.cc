#include "hemiola/models/kge_course.h"

#include <utility>

namespace hemiola {
namespace {

constexpr uint32_t kSampler = 0;

}  // namespace

KgeCourse::KgeCourse(const KgeCut& cut, const TripleSpans& train, const KgeShape& shape,
                     const KgeOptions& options, const Work& work, Parameters& params)
    : cut_(cut),
      shape_(shape),
      options_(options),
      work_(work),
      params_(params),
      own_batches_(cut.batches_of(work.block)) {
  const ShuffledOrder order(cut.triples_in_all, options.seed, work.epoch);
  const auto add = [&](uint32_t block, uint32_t batches) {
    const uint32_t triples = cut.triples_of(block);
    for (uint32_t i = 0; i < std::min(triples, batches * cut.batch); ++i) {
      const uint64_t t = order[block * cut.triples() + i];
      triples_.push_back({train.head[t], train.relation[t], train.tail[t]});
      if ((i + 1) % cut.batch == 0 || i + 1 == triples) ends_.push_back(triples_.size());
    }
  };
  add(work.block, own_batches_);
  if (work.next) add(*work.next, options.lookahead);
  if (options.negatives == 0) {
    for (uint32_t e = 0; e < shape.entities; ++e) negatives_.push_back(Key{e});
  }
  take_over(work);
}

void KgeCourse::take_over(const Work& work) {
  auto promised = std::exchange(params_.promised, std::nullopt);
  if (!promised) return;
  if (promised->block == work.block && promised->epoch == work.epoch) {
    announced_ = std::move(promised->samples);
    return;
  }
  // Another block came instead: those announcements are drawn, so that they are forgotten.
  for (uint32_t i = 0; i < promised->samples.size(); ++i) {
    const uint64_t batch =
        std::min<uint64_t>(cut_.batch, cut_.triples_of(promised->block) - uint64_t{i} * cut_.batch);
    std::vector<Key> unused(draws(static_cast<uint32_t>(batch)));
    if (!unused.empty()) params_.sample(promised->samples[i], unused);
  }
}

KgeCourse::~KgeCourse() {
  if (!work_.next || announced_.size() <= own_batches_) return;
  announced_.erase(announced_.begin(), announced_.begin() + own_batches_);
  params_.promised = Parameters::Promised{*work_.next, work_.epoch, std::move(announced_)};
}

std::span<const KgeTriple> KgeCourse::batch(uint32_t number) const {
  const size_t begin = number == 0 ? 0 : ends_[number - 1];
  return std::span(triples_).subspan(begin, ends_[number] - begin);
}

std::span<const Key> KgeCourse::begin(uint32_t number) {
  while (announced_.size() < ends_.size() && announced_.size() <= number + options_.lookahead) {
    const auto next = static_cast<uint32_t>(announced_.size());
    announce(next, next - number);
  }
  if (options_.negatives > 0) {
    negatives_.resize(draws(static_cast<uint32_t>(batch(number).size())));
    params_.sample(announced_[number], negatives_);
  }
  return negatives_;
}

uint32_t KgeCourse::draws(uint32_t triples) const {
  if (options_.sharing == KgeSharing::shared) return options_.negatives;
  return 2 * triples * options_.negatives;
}

void KgeCourse::announce(uint32_t number, uint32_t distance) {
  const auto triples = batch(number);
  const auto say = [&](TableId table) {
    if (params_.direct(table)) return;
    keys_.clear();
    for (const KgeTriple& t : triples) {
      if (table == kKgeEntities) {
        keys_.push_back(Key{t.head});
        keys_.push_back(Key{t.tail});
      } else {
        for (const KgeSide side : kKgeSides) {
          keys_.push_back(Key{shape_.relation_row(side, t.relation)});
          if (!shape_.reciprocal) break;
        }
      }
    }
    params_.intend(table, keys_, distance, distance + 1);
  };
  say(kKgeEntities);
  say(kKgeRelations);
  Parameters::Samples samples;
  if (options_.negatives > 0) {
    const uint32_t n = draws(static_cast<uint32_t>(triples.size()));
    samples = params_.prepare_sample(kSampler, n, distance, distance + 1);
  } else if (!params_.direct(kKgeEntities)) {
    params_.intend(kKgeEntities, negatives_, distance, distance + 1);
  }
  announced_.push_back(samples);
}

}  // namespace hemiola
