#include "hemiola/average/replica.h"

#include <bit>
#include <cstring>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"
#include "hemiola/core/vec.h"

namespace hemiola {

ReplicaLayout::ReplicaLayout(std::span<const TableSpec> tables)
    : specs_(tables.begin(), tables.end()) {
  for (const TableSpec& spec : specs_) {
    const size_t stride = row_stride(spec.row_length);
    tables_.push_back({floats_, stride});
    Run run{floats_, stride, spec.values(), spec.rows};
    if (stride == run.count) run = {floats_, stride * spec.rows, stride * spec.rows, 1};
    const bool follows = !runs_.empty() && runs_.back().times == 1 && run.times == 1 &&
                         runs_.back().from + runs_.back().count == run.from;
    if (follows) {
      runs_.back().count += run.count;
    } else if (run.count * run.times > 0) {
      runs_.push_back(run);
    }
    values_ += size_t{spec.values()} * spec.rows;
    floats_ += stride * spec.rows;
  }
}

void ReplicaLayout::initialise(float* replica) const {
  for (size_t t = 0; t < specs_.size(); ++t) {
    const TableSpec& spec = specs_[t];
    for (uint32_t k = 0; k < spec.rows && !starts_as_zeros(spec); ++k) {
      float* row = replica + tables_[t].at + k * tables_[t].stride;
      initialise_row(spec, Key{k}, {row, spec.row_length});
    }
  }
}

Replica::Replica(const ReplicaLayout& layout, bool floating)
    : layout_(layout), rows_(layout.floats()) {
  layout.initialise(rows_.data());
  if (!floating && layout.plain()) {
    values_ = {rows_.data(), layout.values()};
    return;
  }
  own_values_ = Arena<float>(layout.values());
  if (floating) base_ = Arena<float>(layout.values());
  values_ = {own_values_.data(), layout.values()};
  layout_.for_each_run(rows_.data(), [&](const float* row, size_t at, size_t n) {
    vec().copy(&values_[at], row, n);
    if (floating) vec().copy(base_.data() + at, row, n);
  });
}

void Replica::take_in(float times) {
  if (own_values_.size() == 0) return;
  const VecKernels& kernels = vec();
  const bool floating = base_.size() > 0;
  layout_.for_each_run(rows_.data(), [&](const float* row, size_t at, size_t n) {
    if (!floating) {
      kernels.copy(&values_[at], row, n);
      return;
    }
    const float* base = base_.data() + at;
    float* value = &values_[at];
    for (size_t i = 0; i < n; ++i) value[i] += times * (row[i] - base[i]);
  });
}

void Replica::give_out(float scale) {
  if (own_values_.size() == 0) return;
  const VecKernels& kernels = vec();
  const bool floating = base_.size() > 0;
  layout_.for_each_run(rows_.data(), [&](float* row, size_t at, size_t n) {
    const float* value = &values_[at];
    if (scale == 1) {
      kernels.copy(row, value, n);
    } else {
      for (size_t i = 0; i < n; ++i) row[i] = scale * value[i];
    }
    if (floating) kernels.copy(base_.data() + at, row, n);
  });
}

uint64_t fingerprint_of(std::span<const float> values) {
  uint64_t print = values.size();
  size_t i = 0;
  for (; i + 2 <= values.size(); i += 2) {
    uint64_t two;
    std::memcpy(&two, &values[i], sizeof two);
    print = mix(print, two);
  }
  if (i < values.size()) print = mix(print, std::bit_cast<uint32_t>(values[i]));
  return print;
}

bool floats_under(const AverageRule& rule) {
  using Kind = AverageRule::Kind;
  return rule.kind != Kind::allreduce && rule.kind != Kind::local && rule.kind != Kind::outer;
}

bool carries_over(const AverageRule& rule) { return rule.kind == AverageRule::Kind::outer; }

ReplicaSet::ReplicaSet(std::vector<TableSpec> tables, Place place, AverageOptions options)
    : place_(place), options_(std::move(options)), layout_(tables) {
  if (layout_.values() == 0) throw UserError("a model without numbers cannot be averaged");
  for (uint32_t w = 0; w < place_.workers_per_node; ++w) {
    replicas_.push_back(std::make_unique<Replica>(layout_, floats_under(options_.rule)));
  }
  if (options_.codec != "none") set_common_start(replicas_[0]->values());
  mean_ = Arena<float>(layout_.floats());
  layout_.initialise(mean_.data());
}

}  // namespace hemiola
