// A job: everything that a run can be told, with defaults in place.
//
// Each setting stands in setting_list.cc with its unit and its effect; the reading of job files,
// the key=value overrides, `hemiola options` and the list printed at the start of a run come from
// there. An empty optional means "chosen to fit"; resolve() fills it in.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hemiola {

struct JobSection {
  std::string name = "job";
  uint64_t seed = 1;
};

struct DataSection {
  std::string kind = "synthetic";
  std::string train, valid, test;
  std::string train_labels, test_labels;
  uint32_t shift = 0;
  bool flip = false;
  uint32_t fold_column = 0;
  uint32_t test_fold = 0;
  uint32_t first_index = 1;
  uint32_t min_count = 5;
  std::string analogies, similarity;

  std::string generator = "ratings";
  std::optional<uint64_t> examples;
  double test_share = 0.1;
  uint32_t users = 6'000;
  uint32_t items = 4'000;
  uint32_t rank = 8;
  std::optional<uint64_t> features;
  std::optional<uint64_t> nonzeros;
  uint32_t fields = 39;
  uint32_t true_weights = 1'000;
  std::optional<double> skew;
  std::optional<double> signal;
  std::optional<double> noise;
};

struct ModelSection {
  std::string kind = "mf";
  uint32_t factors = 16;
  std::optional<std::string> loss;
  bool bias = true;
  double l1 = 0;
  std::optional<double> l2;

  std::string scorer = "complex";
  std::optional<uint64_t> dim;
  std::optional<uint64_t> negatives;
  std::optional<std::string> sharing;
  uint32_t norm = 1;
  bool reciprocal = false;
  double margin = 9;
  double temperature = 1;
  double n3 = 0;
  double dropout = 0;
  std::optional<double> init_scale;

  uint32_t window = 5;
  double power = 0.75;
  double subsample = 1e-4;
  uint32_t analogy_words = 30'000;

  std::string filters, hidden;
};

struct TrainSection {
  uint32_t epochs = 10;
  std::optional<uint64_t> batch;
  std::optional<std::string> optimizer;
  double momentum = 0;
  std::string state = "value";
  std::optional<double> rate;
  double rate_end = 1e-4;
  std::string delay = "fixed";
  double decay = 1;
  std::optional<uint64_t> lookahead;
  uint32_t evaluate_every = 1;
  bool save = true;
  std::optional<std::string> evaluate_on;
};

struct SyncSection {
  std::optional<std::string> scheme;
  bool strict = false;
  std::optional<std::string> updates;
  std::map<std::string, std::string> tables;
  std::string placement = "static";
  std::map<std::string, std::string> placements;
  std::optional<std::string> sampling;
  std::optional<uint64_t> copies;  // of each row: 2 where a node may be lost
  std::string compress = "none";
  std::string topology = "auto";
  double outer_rate = 0.7;
  double outer_momentum = 0.9;
  std::string participation = "plain";
  uint32_t max_gap = 0;
  uint32_t skip = 0;
  uint32_t trade_every = 1;
  uint32_t regroup_every = 16;
};

struct ClusterSection {
  uint32_t nodes = 1;
  uint32_t workers = 1;
  std::string transport = "unix";
  std::string rendezvous;
  std::string secret_file;
  std::string encrypt = "auto";
  std::string cert, key, ca;
  double join_timeout_s = 60;
  double say_wait_s = 10;
  std::string on_silence = "wait";
  double silence_limit_s = 30;
  std::string on_loss = "go_on";
  uint32_t min_nodes = 1;
  uint32_t max_nodes = 0;
  std::string etcd;
};

struct CheckpointSection {
  std::string every = "10 min";
  uint32_t keep = 2;
  std::string dir;
  uint32_t memory_mb = 64;
};

struct Job {
  JobSection job;
  DataSection data;
  ModelSection model;
  TrainSection train;
  SyncSection sync;
  ClusterSection cluster;
  CheckpointSection checkpoint;
};

// The scheme is one of averages of replicas. REQUIRES: resolved.
bool averages(const Job& job);

// What a table has: its own, or else the job's. REQUIRES: resolved.
std::string scheme_of(const SyncSection& sync, const std::string& table);
std::string placement_of(const SyncSection& sync, const std::string& table);

// "256, 128" as numbers. Throws UserError naming the setting.
std::vector<uint32_t> parse_sizes(const std::string& key, const std::string& list);

// Fills in what was left to be chosen. Throws UserError for settings that do not fit together,
// or that ask for what does not exist yet.
void resolve(Job& job);

}  // namespace hemiola
