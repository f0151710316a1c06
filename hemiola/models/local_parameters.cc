#include "hemiola/models/local_parameters.h"

#include <cmath>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"

namespace hemiola {
namespace {

// Padded to cache lines where that is cheap.
size_t stride_for(uint32_t row_length) {
  const size_t padded = (row_length + 15) / 16 * size_t{16};
  return padded - row_length <= row_length / 8 ? padded : row_length;
}

float initial_value(const Initialiser& init, uint64_t bits) {
  Random random(bits);
  switch (init.kind) {
    case Initialiser::Kind::uniform:
      return static_cast<float>(random.uniform(init.a, init.b));
    case Initialiser::Kind::normal:
      return static_cast<float>(init.a + init.b * random.normal());
    case Initialiser::Kind::constant:
      break;
  }
  return init.a;
}

}  // namespace

LocalTables::LocalTables(std::span<const TableSpec> specs, bool latched) {
  for (const TableSpec& spec : specs) {
    Table table{spec, stride_for(spec.row_length), {}, std::make_unique<Latches>(latched)};
    table.rows = Arena<float>(table.stride * spec.rows);
    for (size_t k = 0; k < spec.rows; ++k) {
      float* row = table.rows.data() + k * table.stride;
      for (uint32_t c = 0; c < spec.row_length; ++c) {
        row[c] = c < spec.values() ? initial_value(spec.init, mix(spec.init.seed, k, c))
                                   : spec.init.state;
      }
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

void LocalParameters::step(size_t examples) {
  ++steps_;
  examples_ += examples;
}

}  // namespace hemiola
