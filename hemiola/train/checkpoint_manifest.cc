#include "hemiola/train/checkpoint_manifest.h"

#include <charconv>
#include <limits>

#include "hemiola/core/check.h"
#include "hemiola/data/safetensors.h"
#include "hemiola/train/json_fields.h"

namespace hemiola {
namespace {

constexpr std::string_view kFormat = "hemiola checkpoint";
constexpr std::string_view kShardFormat = "hemiola checkpoint part";
constexpr std::string_view kChecksum = ",\n  \"checksum\": ";
constexpr std::string_view kEnd = "\n}\n";

// Of everything before it, so that no changed byte passes.
std::string with_checksum(const Json& json) {
  std::string text = to_text(json, 3);
  HEMIOLA_CHECK(text.ends_with("\n}"));
  text.resize(text.size() - 2);
  const uint32_t sum = crc32(std::as_bytes(std::span(text)));
  return text + std::string(kChecksum) + std::to_string(sum) + std::string(kEnd);
}

Json without_lies(std::string_view text, const std::string& about) {
  const size_t at = text.rfind(kChecksum);
  uint32_t sum = 0;
  bool right = at != text.npos && text.ends_with(kEnd);
  if (right) {
    const char* number = text.data() + at + kChecksum.size();
    const char* end = text.data() + text.size() - kEnd.size();
    const auto [read, error] = std::from_chars(number, end, sum);
    right = error == std::errc() && read == end &&
            sum == crc32(std::as_bytes(std::span(text.data(), at)));
  }
  if (!right) throw UserError(about + ": it is not as it was written, by its checksum");
  return parse_json(text, about);
}

Json::Object shard_json(const CheckpointShard& shard) {
  Json::Array rows;
  for (const uint32_t n : shard.rows) rows.emplace_back(n);
  return {{"file", shard.file.name},
          {"bytes", shard.file.bytes},
          {"crc32", shard.file.crc32},
          {"rows", std::move(rows)}};
}

Json::Array numbers_json(const std::vector<double>& numbers) {
  Json::Array json;
  for (const double n : numbers) json.emplace_back(n);
  return json;
}

Json::Array passes_json(const Agenda& agenda) {
  Json::Array json;
  for (const PassTotals& pass : agenda.totals()) {
    json.emplace_back(Json::Object{{"blocks", numbers_json(pass.blocks)},
                                   {"reduced", numbers_json(pass.reduced)},
                                   {"ended", pass.ended}});
  }
  return json;
}

Json::Array done_json(const Agenda& agenda) {
  Json::Array json;
  for (const auto& [block, values] : agenda.done()) {
    json.emplace_back(Json::Object{{"block", block}, {"values", numbers_json(values)}});
  }
  return json;
}

Json::Object epoch_json(const EpochRecord& e) {
  Json::Object metrics;
  for (const Metric& m : e.metrics) metrics.emplace_back(m.name, m.value);
  Json::Object json = {{"epoch", e.epoch}, {"seconds", e.seconds}, {"elapsed", e.elapsed},
                       {"loss", e.loss},   {"samples", e.samples}, {"metrics", std::move(metrics)}};
  if (e.spread) json.emplace_back("spread", *e.spread);
  return json;
}

// Takes a manifest apart.
class CheckpointText {
 public:
  explicit CheckpointText(const std::string& path)
      : path_(path), in_(path + " is no manifest of a checkpoint") {}

  void require(const Json& json, std::string_view format) const {
    if (!json.object() || in_.text(json, "format") != format) {
      in_.fail("its `format` is not that of one");
    }
    const uint64_t version = in_.whole(json, "version", UINT64_MAX);
    if (version != CheckpointManifest::kVersion) {
      throw UserError(path_ + " is of version " + std::to_string(version) +
                      "; this program reads version " +
                      std::to_string(CheckpointManifest::kVersion));
    }
  }

  CheckpointManifest read(const Json& json) const {
    require(json, kFormat);
    CheckpointManifest m;
    m.sequence = in_.small(json, "sequence");
    m.job = in_.text(json, "job");
    m.model = in_.text(json, "model");
    m.scheme = in_.text(json, "scheme");
    m.averages = in_.text(json, "state") == "replicas";
    m.seed = read_seed(in_.text(json, "seed"));
    m.clock = static_cast<int32_t>(in_.whole(json, "clock", INT32_MAX));
    m.nodes = in_.small(json, "nodes");
    m.workers = in_.small(json, "workers");
    m.planned_workers = in_.small(json, "planned_workers");
    m.examples = in_.whole(json, "examples", UINT64_MAX);
    for (const auto& [key, value] : in_.object(json, "settings")) {
      if (!value.text()) in_.fail("`settings." + key + "` is no text");
      m.settings[key] = *value.text();
    }
    for (const Json& t : in_.array(json, "tables")) {
      m.tables.push_back({in_.text(t, "name"), in_.small(t, "rows"), in_.small(t, "columns"),
                          in_.small(t, "state_columns")});
    }
    for (const Json& s : in_.array(json, "shards")) m.shards.push_back(read_shard(s));
    for (const Json& e : in_.array(json, "epochs")) m.epochs.push_back(read_epoch(e));
    read_agenda(json, m.agenda);
    check(m);
    return m;
  }

  CheckpointShard read_shard(const Json& json) const {
    CheckpointShard shard;
    shard.file = {in_.file_name(json, "file"), in_.whole(json, "bytes", UINT64_MAX),
                  in_.small(json, "crc32")};
    for (const Json& n : in_.array(json, "rows")) {
      uint64_t rows = 0;
      if (!n.whole(rows) || rows > UINT32_MAX) in_.fail("`rows` holds what is no number of rows");
      shard.rows.push_back(static_cast<uint32_t>(rows));
    }
    return shard;
  }

 private:
  // A text, since numbers of JSON are exact up to 2^53 only.
  uint64_t read_seed(const std::string& text) const {
    uint64_t seed = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, seed);
    if (error != std::errc() || at != end) in_.fail("`seed` is no whole number");
    return seed;
  }

  std::vector<double> numbers(const Json& json, const char* key) const {
    std::vector<double> numbers;
    for (const Json& n : in_.array(json, key)) {
      if (!n.number() && !n.is_null()) {
        in_.fail(std::string("`") + key + "` holds what is no number");
      }
      numbers.push_back(n.number() ? *n.number() : std::numeric_limits<double>::quiet_NaN());
    }
    return numbers;
  }

  void read_agenda(const Json& json, Agenda& agenda) const {
    for (const Json& p : in_.array(json, "passes")) {
      agenda.close(agenda.pass(),
                   {numbers(p, "blocks"), numbers(p, "reduced"), in_.number(p, "ended")});
    }
    for (const Json& b : in_.array(json, "done")) {
      agenda.add(agenda.pass(), {in_.small(b, "block"), numbers(b, "values")});
    }
  }

  EpochRecord read_epoch(const Json& json) const {
    EpochRecord e;
    e.epoch = in_.small(json, "epoch");
    e.seconds = in_.number(json, "seconds");
    e.elapsed = in_.number(json, "elapsed");
    e.loss = in_.number(json, "loss");
    e.samples = in_.whole(json, "samples", UINT64_MAX);
    const Json& metrics = in_.part(json, "metrics");
    for (const auto& [name, value] : in_.object(json, "metrics")) {
      e.metrics.push_back({name, in_.number(metrics, name.c_str())});
    }
    if (json.find("spread")) e.spread = in_.number(json, "spread");
    return e;
  }

  void check(const CheckpointManifest& m) const {
    if (m.nodes == 0 || m.workers == 0 || m.tables.empty()) in_.fail("it is of no job");
    if (m.shards.size() != m.nodes) {
      in_.fail("it is of " + std::to_string(m.nodes) + " nodes, but names " +
               std::to_string(m.shards.size()) + " shards");
    }
    for (const CheckpointShard& s : m.shards) {
      if (s.rows.size() != (m.averages ? 0 : m.tables.size())) in_.fail("`rows` are not by table");
    }
    for (size_t t = 0; t < m.tables.size() && !m.averages; ++t) {
      uint64_t rows = 0;
      for (const CheckpointShard& s : m.shards) rows += s.rows[t];
      if (rows == m.tables[t].rows) continue;
      in_.fail("table `" + m.tables[t].name + "` has " + std::to_string(m.tables[t].rows) +
               " rows, but its shards have " + std::to_string(rows));
    }
  }

  const std::string& path_;
  const JsonFields in_;
};

}  // namespace

uint64_t CheckpointManifest::bytes() const {
  uint64_t sum = 0;
  for (const CheckpointShard& s : shards) sum += s.file.bytes;
  return sum;
}

std::vector<CheckpointTable> checkpoint_tables(const std::vector<TableSpec>& specs) {
  std::vector<CheckpointTable> tables;
  for (const TableSpec& s : specs) {
    tables.push_back({s.name, s.rows, s.values(), s.row_length - s.values()});
  }
  return tables;
}

std::string to_json(const CheckpointManifest& m) {
  Json::Object settings;
  for (const auto& [key, value] : m.settings) settings.emplace_back(key, value);
  Json::Array tables, shards, epochs;
  for (const CheckpointTable& t : m.tables) {
    tables.emplace_back(Json::Object{{"name", t.name},
                                     {"rows", t.rows},
                                     {"columns", t.columns},
                                     {"state_columns", t.state_columns}});
  }
  for (const CheckpointShard& s : m.shards) shards.emplace_back(shard_json(s));
  for (const EpochRecord& e : m.epochs) epochs.emplace_back(epoch_json(e));
  return with_checksum(Json::Object{{"format", kFormat},
                                    {"version", CheckpointManifest::kVersion},
                                    {"sequence", m.sequence},
                                    {"job", m.job},
                                    {"model", m.model},
                                    {"state", m.averages ? "replicas" : "tables"},
                                    {"scheme", m.scheme},
                                    {"seed", std::to_string(m.seed)},
                                    {"epoch", m.epoch()},
                                    {"clock", static_cast<uint32_t>(m.clock)},
                                    {"nodes", m.nodes},
                                    {"workers", m.workers},
                                    {"planned_workers", m.planned_workers},
                                    {"examples", m.examples},
                                    {"settings", std::move(settings)},
                                    {"tables", std::move(tables)},
                                    {"shards", std::move(shards)},
                                    {"epochs", std::move(epochs)},
                                    {"passes", passes_json(m.agenda)},
                                    {"done", done_json(m.agenda)}});
}

CheckpointManifest parse_checkpoint(std::string_view text, const std::string& path) {
  return CheckpointText(path).read(without_lies(text, path + " is no manifest of a checkpoint"));
}

std::string to_json(const CheckpointShard& shard) {
  Json::Object json = {{"format", kShardFormat}, {"version", CheckpointManifest::kVersion}};
  for (auto& entry : shard_json(shard)) json.push_back(std::move(entry));
  return with_checksum(json);
}

CheckpointShard parse_shard(std::string_view text, const std::string& path) {
  const CheckpointText reader(path);
  const Json json = without_lies(text, path + " is no part of a checkpoint");
  reader.require(json, kShardFormat);
  return reader.read_shard(json);
}

}  // namespace hemiola
