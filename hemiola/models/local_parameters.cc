#include "hemiola/models/local_parameters.h"

#include "hemiola/core/check.h"

namespace hemiola {

LocalTables::LocalTables(std::span<const TableSpec> specs, bool latched) {
  for (const TableSpec& spec : specs) {
    const size_t stride = row_stride(spec.row_length);
    Table table{spec, {}, Arena<float>(stride * spec.rows), std::make_unique<Latches>(latched)};
    table.rows = {table.own.data(), stride};
    for (uint32_t k = 0; k < spec.rows && !starts_as_zeros(spec); ++k) {
      initialise_row(spec, Key{k}, {table.rows.base + k * stride, spec.row_length});
    }
    tables_.push_back(std::move(table));
  }
}

LocalTables::LocalTables(std::span<const TableSpec> specs,
                         std::span<const Parameters::Direct> rows) {
  HEMIOLA_CHECK(specs.size() == rows.size());
  for (size_t t = 0; t < specs.size(); ++t) {
    tables_.push_back({specs[t], rows[t], {}, std::make_unique<Latches>(false)});
  }
}

Parameters::Direct LocalTables::all(TableId table) const { return tables_[table.value].rows; }

std::span<float> LocalTables::row(TableId table, Key key) const {
  const Table& t = tables_[table.value];
  HEMIOLA_CHECK(key.value < t.spec.rows);
  return {t.rows.base + key.value * t.rows.stride, t.spec.row_length};
}

std::optional<Parameters::Direct> LocalParameters::direct(TableId table) {
  if (by_pointer_) return std::nullopt;
  return tables_.all(table);
}

void LocalParameters::rows(TableId table, std::span<const Key> keys, Access,
                           std::span<float*> out) {
  HEMIOLA_CHECK(out.size() == keys.size());
  for (size_t i = 0; i < keys.size(); ++i) out[i] = tables_.row(table, keys[i]).data();
  fetched_ += keys.size();
}

Parameters::Samples LocalParameters::prepare_sample(uint32_t sampler, uint32_t n, uint32_t,
                                                    uint32_t) {
  announced_.push_back({sampler, n});
  return {first_ + static_cast<uint32_t>(announced_.size() - 1)};
}

void LocalParameters::sample(Samples samples, std::span<Key> keys) {
  Announced& announced = announced_[samples.ticket - first_];
  HEMIOLA_CHECK(keys.size() <= announced.left);
  announced.left -= static_cast<uint32_t>(keys.size());
  const Distribution& distribution = samplers_[announced.sampler];
  for (Key& key : keys) key = distribution.draw(random_);
  for (; !announced_.empty() && announced_.front().left == 0; ++first_) announced_.pop_front();
}

void LocalParameters::step(size_t examples) {
  ++steps_;
  examples_ += examples;
}

}  // namespace hemiola
