#include "hemiola/models/local_parameters.h"

#include "hemiola/core/check.h"

namespace hemiola {
LocalTables::LocalTables(std::span<const TableSpec> specs, bool latched) {
  for (const TableSpec& spec : specs) {
    Table table{spec, row_stride(spec.row_length), {}, std::make_unique<Latches>(latched)};
    table.rows = Arena<float>(table.stride * spec.rows);
    for (uint32_t k = 0; k < spec.rows && !starts_as_zeros(spec); ++k) {
      initialise_row(spec, Key{k}, {table.rows.data() + k * table.stride, spec.row_length});
    }
    tables_.push_back(std::move(table));
  }
}

Parameters::Direct LocalTables::all(TableId table) const {
  const Table& t = tables_[table.value];
  return {t.rows.data(), t.stride};
}

std::span<float> LocalTables::row(TableId table, Key key) const {
  const Table& t = tables_[table.value];
  HEMIOLA_CHECK(key.value < t.spec.rows);
  return {t.rows.data() + key.value * t.stride, t.spec.row_length};
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
  return {static_cast<uint32_t>(announced_.size() - 1)};
}

void LocalParameters::sample(Samples samples, std::span<Key> keys) {
  Announced& announced = announced_[samples.ticket];
  HEMIOLA_CHECK(keys.size() <= announced.left);
  announced.left -= static_cast<uint32_t>(keys.size());
  const Distribution& distribution = samplers_[announced.sampler];
  for (Key& key : keys) key = distribution.draw(random_);
}

void LocalParameters::step(size_t examples) {
  ++steps_;
  examples_ += examples;
}

}  // namespace hemiola
