#include "hemiola/train/json_text.h"

#include <nlohmann/json.hpp>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

using Json = nlohmann::ordered_json;

Json metrics_json(const std::vector<Metric>& metrics) {
  Json json = Json::object();
  for (const Metric& m : metrics) json[m.name] = m.value;
  return json;
}

Json epoch_json(const EpochRecord& e) {
  Json json = {{"epoch", e.epoch},     {"seconds", e.seconds},
               {"elapsed", e.elapsed}, {"samples", e.samples},
               {"loss", e.loss},       {"metrics", metrics_json(e.metrics)}};
  if (e.spread) json["spread"] = *e.spread;
  return json;
}

Json rows_json(const TableStats& stats) {
  return {{"local", stats.local_rows},   {"remote", stats.remote_rows},
          {"missed", stats.missed_rows}, {"moved", stats.moved_rows},
          {"copies", stats.pulled_rows}, {"pushed", stats.pushed_rows}};
}

Json staleness_json(const StalenessHistogram& h) {
  Json counts = Json::array();
  for (size_t b = 0; b < StalenessHistogram::kBuckets; ++b) counts.push_back(h.count(b));
  return {{"mean", h.mean()}, {"max", h.max()}, {"histogram", counts}};
}

Json table_json(const std::string& name, const TableStats& stats) {
  Json waited = Json::array();
  for (const Duration d : stats.waited_for) waited.push_back(d.seconds());
  return {{"name", name},
          {"rows", rows_json(stats)},
          {"bytes_out", stats.bytes_out},
          {"staleness", staleness_json(stats.staleness)},
          {"wait_rows", stats.wait_rows.seconds()},
          {"wait_clock", stats.wait_clock.seconds()},
          {"waited_for", waited}};
}

Json checkpoints_json(const CheckpointTotals& c) {
  return {{"written", c.written},         {"failed", c.failed},
          {"left_out", c.left_out},       {"bytes", c.bytes},
          {"seconds_blocked", c.blocked}, {"longest_blocked", c.longest_blocked}};
}

Json survived_json(const History::Counts& h) {
  return {{"nodes_lost", h.lost},
          {"nodes_left", h.left},
          {"nodes_joined", h.joined},
          {"seconds_paused", h.paused},
          {"longest_pause", h.longest_pause},
          {"blocks_again", h.blocks_again},
          {"rows_from_backups", h.rows.from_backups},
          {"rows_from_checkpoint", h.rows.from_checkpoint},
          {"rows_lost", h.rows.initial}};
}

// The last loss, and the last quality that was measured.
Json final_json(const std::vector<EpochRecord>& epochs) {
  Json json = {{"loss", nullptr}, {"metrics", Json::object()}};
  for (const EpochRecord& e : epochs) {
    json["loss"] = e.loss;
    if (!e.metrics.empty()) json["metrics"] = metrics_json(e.metrics);
  }
  return json;
}

Json delays_json(const DelayHistogram& d) {
  return {{"steps", d.count()},
          {"mean", d.mean()},
          {"p50", d.quantile(0.5)},
          {"p99", d.quantile(0.99)},
          {"max", d.max()}};
}

}  // namespace

std::string to_json(const Summary& s) {
  const TableStats all = s.totals.tables.total();
  const TimeSpent& time = s.totals.time;
  Json json = {{"job", s.job},
               {"model", s.model},
               {"sync", s.sync},
               {"world", s.world},
               {"seed", s.seed},
               {"nodes", s.nodes},
               {"workers", s.workers},
               {"samples", s.totals.samples},
               {"seconds", s.seconds},
               {"load_seconds", s.load_seconds},
               {"cpu_seconds", s.totals.cpu_seconds}};
  json["time"] = {{"compute", time.compute},     {"evaluate", time.evaluate},
                  {"wait_rows", time.wait_rows}, {"wait_clock", time.wait_clock},
                  {"average", time.average},     {"idle", time.idle}};
  json["ns_per_example"] = s.totals.ns_per_example;
  json["rows"] = rows_json(all);
  json["bytes_sent"] = s.totals.bytes_sent;
  json["messages"] = s.totals.messages;
  json["staleness"] = staleness_json(all.staleness);
  json["view_changes"] = s.view_changes;
  if (s.totals.history.changes > 0) json["survived"] = survived_json(s.totals.history);
  json["rounds"] = s.totals.rounds;
  if (!s.totals.compress.empty()) json["compress"] = s.totals.compress;
  json["delays"] = delays_json(s.totals.delays);
  json["gaps"] = {{"held", s.totals.gaps.held}, {"passed_over", s.totals.gaps.passed_over}};
  if (s.totals.ended_early) json["ended_early"] = true;
  json["tables"] = Json::array();
  for (size_t t = 0; t < s.totals.tables.tables.size(); ++t) {
    const std::string name = t < s.table_names.size() ? s.table_names[t] : "";
    json["tables"].push_back(table_json(name, s.totals.tables.tables[t]));
  }
  json["epochs"] = Json::array();
  for (const EpochRecord& e : s.epochs) json["epochs"].push_back(epoch_json(e));
  json["final"] = final_json(s.epochs);
  if (s.checkpoints) json["checkpoints"] = checkpoints_json(*s.checkpoints);
  if (s.resumed) {
    json["resumed"] = {{"checkpoint", s.resumed->checkpoint}, {"epoch", s.resumed->epoch}};
  }
  return json.dump(2) + "\n";
}

std::string to_json_line(const EpochRecord& epoch) { return epoch_json(epoch).dump() + "\n"; }

std::string to_json(const std::map<std::string, double>& numbers) {
  Json json = Json::object();
  for (const auto& [name, value] : numbers) json[name] = value;
  return json.dump(2) + "\n";
}

std::map<std::string, double> numbers_in_json(const std::string& text, const std::string& path) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) throw UserError(path + " is not a JSON object");
  std::map<std::string, double> numbers;
  const auto flat = json.flatten();
  for (const auto& [name, value] : flat.items()) {
    if (value.is_number()) numbers[name.substr(1)] = value.get<double>();
  }
  return numbers;
}

}  // namespace hemiola
