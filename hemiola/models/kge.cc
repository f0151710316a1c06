#include "hemiola/models/kge.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"
#include "hemiola/models/kge_course.h"
#include "hemiola/models/kge_own.h"
#include "hemiola/models/kge_rank.h"
#include "hemiola/models/kge_shared.h"

namespace hemiola {
namespace {

constexpr uint32_t kTestPart = 256;  // triples

// Where the sums of an evaluation are, for test and behind it for valid.
enum Sum : size_t { kRanks, kInverse, kFirst, kThree, kTen, kSums };

const KgeKernels& kernels_here() {
#if defined(__x86_64__)
  if (simd_here() == Simd::avx512) return kKgeAvx512;
  if (simd_here() == Simd::avx2) return kKgeAvx2;
#endif
  return kKgeBaseline;
}

void check_ids(const char* set, const char* what, std::span<const uint32_t> ids, size_t triples,
               uint32_t count) {
  HEMIOLA_CHECK(ids.size() == triples);
  for (const uint32_t id : ids) {
    if (id >= count) {
      throw UserError(std::string("kge: ") + what + " " + std::to_string(id) + " of the " + set +
                      " set is out of range: there are " + std::to_string(count));
    }
  }
}

void check_data(const KgeData& data) {
  if (data.train.size() == 0) throw UserError("kge: there are no triples to train on");
  if (data.train.size() >= UINT32_MAX) throw UserError("kge: more than 4 billion triples");
  const auto check = [&](const char* set, const TripleSpans& spans) {
    check_ids(set, "head", spans.head, spans.size(), data.entities);
    check_ids(set, "relation", spans.relation, spans.size(), data.relations);
    check_ids(set, "tail", spans.tail, spans.size(), data.entities);
  };
  check("training", data.train);
  check("validation", data.valid);
  check("test", data.test);
}

void check_options(const KgeOptions& o) {
  const uint32_t most = o.scorer == KgeScorer::rescal ? 1024 : 8192;
  if (o.dim == 0 || o.dim > most) {
    throw UserError("kge: model.dim must be between 1 and " + std::to_string(most) + ", not " +
                    std::to_string(o.dim));
  }
  if (o.norm != 1 && o.norm != 2) throw UserError("kge: model.norm must be 1 or 2");
  if (o.batch == 0) throw UserError("kge: train.batch must be at least 1");
  if (o.negatives == 0 && o.sharing == KgeSharing::own) {
    throw UserError(
        "kge: all entities as negatives are the same for every question, so "
        "model.sharing must be \"shared\"");
  }
  if (!(o.dropout >= 0 && o.dropout < 1)) {
    throw UserError("kge: model.dropout must be at least 0 and below 1");
  }
  if (!(o.rate >= 0) || !(o.decay > 0)) {
    throw UserError("kge: train.rate must not be negative, and train.decay must be above 0");
  }
  if (!(o.n3 >= 0) || !(o.l2 >= 0) || !(o.temperature >= 0) || !(o.init_scale >= 0)) {
    throw UserError("kge: model.n3, l2, temperature and init_scale must not be negative");
  }
}

// Distances of a few units at first: a sum of `dim` moduli, or the length of a vector. Much more,
// and the first steps only shrink rows.
float init_scale(const KgeOptions& o) {
  const auto dim = static_cast<float>(o.dim);
  if (o.scorer != KgeScorer::transe && o.scorer != KgeScorer::rotate) return 0.1f;
  return o.norm == 1 ? 4 / dim : 1 / std::sqrt(dim);
}

KgeOptions with_defaults(KgeOptions o) {
  if (o.rate == 0) o.rate = o.optimizer == Optimizer::adagrad ? 0.1f : 0.01f;
  if (o.init_scale == 0) o.init_scale = init_scale(o);
  return o;
}

// Enough blocks that workers share them evenly, and few enough that the first steps of a block,
// of which its worker may know late, are few.
uint32_t batches_for(const KgeData& data, const KgeOptions& o) {
  if (o.block > 0) return o.block;
  const size_t batches = (data.train.size() + o.batch - 1) / o.batch;
  return static_cast<uint32_t>(std::clamp<size_t>(batches / 64, 4, 16));
}

TableSpec table_of(const char* name, uint32_t rows, size_t values, const KgeOptions& o) {
  TableSpec spec;
  spec.name = name;
  spec.rows = rows;
  spec.value_columns = static_cast<uint32_t>(values);
  spec.row_length = spec.value_columns;
  if (o.optimizer == Optimizer::adagrad) {
    spec.row_length += o.state == KgeState::row ? 1 : spec.value_columns;
  }
  spec.init.kind = Initialiser::Kind::normal;
  spec.init.b = o.init_scale;
  spec.init.seed = o.seed;
  return spec;
}

}  // namespace

KgeTask::KgeTask(const KgeData& data, const KgeOptions& options)
    : data_(data), options_(with_defaults(options)), kernels_(kernels_here()) {
  check_data(data);
  check_options(options_);
  options_.block = batches_for(data, options_);
  options_.lookahead = std::min(options_.lookahead, options_.block);
  shape_ = std::make_unique<KgeShape>(options_, data.entities, data.relations);
  std::vector<TripleSpans> asked;
  if (options_.evaluate_test) asked.push_back(data.test);
  if (options_.evaluate_valid) asked.push_back(data.valid);
  filter_ = std::make_unique<KgeFilter>(data, asked);
}

KgeTask::~KgeTask() = default;

std::vector<TableSpec> KgeTask::tables() const {
  TableSpec entities = table_of("entities", data_.entities, shape_->values, options_);
  TableSpec relations =
      table_of("relations", shape_->relation_rows(), shape_->relation_values, options_);
  if (options_.scorer == KgeScorer::rotate) {
    relations.init.kind = Initialiser::Kind::uniform;
    relations.init.a = -3.14159265f;
    relations.init.b = 3.14159265f;
  }
  return {entities, relations};
}

std::vector<SamplerSpec> KgeTask::samplers() const {
  if (options_.negatives == 0) return {};
  return {{"negatives", kKgeEntities, Key{0}, data_.entities, nullptr}};
}

KgeCut KgeTask::cut() const { return {data_.train.size(), options_.batch, options_.block}; }

BlockPlan KgeTask::plan(uint32_t) const {
  BlockPlan plan;
  for (uint32_t b = 0; b < cut().blocks(); ++b) plan.blocks.push_back({cut().triples_of(b)});
  return plan;
}

LossSum KgeTask::train(const Work& work, Parameters& params) const {
  HEMIOLA_CHECK(work.block < cut().blocks());
  std::unique_ptr<KgeTrainer> trainer;
  if (options_.sharing == KgeSharing::own) {
    trainer = std::make_unique<KgeOwn>(*shape_, options_, kernels_);
  } else {
    trainer = std::make_unique<KgeShared>(*shape_, options_, kernels_);
  }
  KgeCourse course(cut(), data_.train, *shape_, options_, work, params);
  LossSum loss;
  for (uint32_t i = 0; i < course.batches(); ++i) {
    KgeBatch batch;
    batch.triples = course.batch(i);
    batch.negatives = course.begin(i);
    batch.rate = options_.rate * std::pow(options_.decay, static_cast<float>(work.epoch));
    batch.seed = mix(mix(options_.seed, work.epoch), work.block, i);
    loss.sum += trainer->train(batch, params);
    params.step(batch.triples.size());
    loss.examples += static_cast<double>(batch.triples.size());
  }
  if (!std::isfinite(loss.sum)) {
    throw UserError(
        "kge: the loss is not a finite number in epoch " + std::to_string(work.epoch + 1) +
        ": training diverged; lower train.rate (it is " + std::to_string(options_.rate) + ")");
  }
  return loss;
}

uint32_t KgeTask::parts_of(const TripleSpans& spans) const {
  return static_cast<uint32_t>((spans.size() + kTestPart - 1) / kTestPart);
}

uint32_t KgeTask::evaluation_parts() const {
  return (options_.evaluate_test ? parts_of(data_.test) : 0) +
         (options_.evaluate_valid ? parts_of(data_.valid) : 0);
}

size_t KgeTask::metric_sums() const { return 2 * kSums; }

void KgeTask::evaluate(uint32_t part, Parameters& params, std::span<double> sums) const {
  const uint32_t tests = options_.evaluate_test ? parts_of(data_.test) : 0;
  const bool valid = part >= tests;
  const TripleSpans& spans = valid ? data_.valid : data_.test;
  const size_t begin = size_t{valid ? part - tests : part} * kTestPart;
  std::vector<KgeTriple> triples;
  for (size_t i = begin; i < std::min(begin + kTestPart, spans.size()); ++i) {
    triples.push_back({spans.head[i], spans.relation[i], spans.tail[i]});
  }
  if (valid) sums = sums.subspan(kSums);
  KgeRanking ranking(*shape_, kernels_, *filter_);
  for (const double rank : ranking.ranks(triples, params)) {
    sums[kRanks] += 1;
    sums[kInverse] += 1 / rank;
    sums[kFirst] += rank <= 1;
    sums[kThree] += rank <= 3;
    sums[kTen] += rank <= 10;
  }
}

std::vector<Metric> KgeTask::metrics(std::span<const double> sums) const {
  std::vector<Metric> metrics;
  const auto add = [&](const std::string& before, std::span<const double> of) {
    if (of[kRanks] == 0) return;
    metrics.push_back({before + "mrr", of[kInverse] / of[kRanks]});
    metrics.push_back({before + "hits1", of[kFirst] / of[kRanks]});
    metrics.push_back({before + "hits3", of[kThree] / of[kRanks]});
    metrics.push_back({before + "hits10", of[kTen] / of[kRanks]});
  };
  add("", sums);
  add("valid_", sums.subspan(kSums));
  return metrics;
}

}  // namespace hemiola
