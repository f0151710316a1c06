#include "hemiola/train/task_factory.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include "hemiola/average/topology.h"
#include "hemiola/core/check.h"
#include "hemiola/data/images.h"
#include "hemiola/data/synthetic.h"
#include "hemiola/models/count.h"
#include "hemiola/models/linear.h"
#include "hemiola/models/mf.h"
#include "hemiola/train/loaded_text.h"
#include "hemiola/train/progress.h"

namespace hemiola {
namespace {

Optimizer optimizer_of(const Job& job) {
  return *job.train.optimizer == "sgd" ? Optimizer::sgd : Optimizer::adagrad;
}

std::string floor_text(const char* measure, double floor) {
  char text[64];
  std::snprintf(text, sizeof text, "; the planted model's %s is %.4g", measure, floor);
  return text;
}

RatingSpans spans(const Ratings& r) { return {r.user, r.item, r.value}; }
SparseSpans spans(const SparseExamples& e) { return {e.offset, e.index, e.value, e.label}; }

void require_tables(const char* key, const std::map<std::string, std::string>& map,
                    const std::vector<std::string>& tables, const std::string& model) {
  for (const auto& [name, value] : map) {
    if (std::find(tables.begin(), tables.end(), name) != tables.end()) continue;
    std::string known;
    for (const auto& t : tables) known += (known.empty() ? "`" : ", `") + t + "`";
    throw UserError("`" + std::string(key) + "` names `" + name + "`, but the tables of model " +
                    model + " are: " + known);
  }
}

}  // namespace

LoadedTask::LoadedTask(std::unique_ptr<Task> task) : task_(std::move(task)) {}

LoadedTask::LoadedTask(const Job& job, const Runner& run) {
  if (job.model.kind == "mf") {
    load_ratings(job, run);
    set_up_mf(job);
  } else if (job.model.kind == "kge") {
    load_triples(job, run);
    set_up_kge(job);
  } else if (job.model.kind == "word2vec") {
    load_text(job, run);
    set_up_word2vec(job);
  } else if (job.model.kind == "dense") {
    load_images(job);
    set_up_dense(job);
  } else if (job.model.kind == "count") {
    set_up_count(job);
  } else {
    load_examples(job, run);
    set_up_linear(job);
  }
}

LoadedTask::~LoadedTask() = default;

void LoadedTask::load_ratings(const Job& job, const Runner& run) {
  const DataSection& data = job.data;
  if (data.kind == "ratings") {
    RatingsOptions options;
    options.fold_column = data.fold_column;
    options.test_fold = static_cast<int32_t>(data.test_fold);
    ratings_ = data.test.empty() ? read_ratings(data.train, options, run)
                                 : read_ratings_pair(data.train, data.test, options, run);
    return;
  }
  SyntheticRatings settings;
  settings.users = data.users;
  settings.items = data.items;
  settings.ratings = *data.examples;
  settings.rank = data.rank;
  settings.noise = static_cast<float>(*data.noise);
  settings.signal = static_cast<float>(*data.signal);
  settings.item_skew = *data.skew;
  settings.test_share = data.test_share;
  settings.seed = job.job.seed;
  MadeRatings made = make_ratings(settings, run);
  ratings_ = std::move(made.split);
  floor_ = floor_text("rmse", made.floor);
}

void LoadedTask::set_up_mf(const Job& job) {
  const Ratings& train = ratings_.train;
  description_ = human_count(static_cast<double>(train.size())) + " ratings to train on, " +
                 human_count(static_cast<double>(ratings_.test.size())) + " to test; " +
                 human_count(train.users) + " users, " + human_count(train.items) + " items" +
                 floor_;
  MfOptions options;
  options.factors = job.model.factors;
  options.biases = job.model.bias;
  options.optimizer = optimizer_of(job);
  options.rate = static_cast<float>(job.train.rate.value_or(0));
  options.decay = static_cast<float>(job.train.decay);
  if (job.model.l2) options.l2 = static_cast<float>(*job.model.l2);
  options.batch = static_cast<uint32_t>(job.train.batch.value_or(0));
  options.workers = job.cluster.nodes * job.cluster.workers;
  options.seed = job.job.seed;
  const bool measured = ratings_.test.size() > 0;
  MfData data{spans(train), spans(measured ? ratings_.test : train), train.users, train.items};
  task_ = std::make_unique<MfTask>(data, options);
  if (measured) ratings_.train = Ratings{};  // the task has its own copy, in another order
}

void LoadedTask::load_examples(const Job& job, const Runner& run) {
  if (job.data.kind == "libsvm") {
    read_examples(job, run);
  } else {
    make_examples(job, run);
  }
  train_.features = test_.features = std::max(train_.features, test_.features);
  description_ = human_count(static_cast<double>(train_.rows())) + " examples to train on, " +
                 human_count(static_cast<double>(test_.rows())) + " to test; " +
                 human_count(train_.features) + " features, " +
                 human_count(static_cast<double>(train_.nonzeros())) + " values" + floor_;
}

void LoadedTask::read_examples(const Job& job, const Runner& run) {
  LibsvmOptions options;
  options.first_index = job.data.first_index;
  options.classify = job.model.loss == "logistic";
  LibsvmFile file = read_libsvm(job.data.train, options, run);
  train_ = std::move(file.examples);
  if (job.data.test.empty()) return;
  options.classes = file.classes;
  test_ = read_libsvm(job.data.test, options, run).examples;
}

void LoadedTask::make_examples(const Job& job, const Runner& run) {
  const DataSection& data = job.data;
  const auto take = [&](const auto& fill) {
    MadeExamples made = fill();
    train_ = std::move(made.train);
    test_ = std::move(made.test);
    const bool squared = data.generator == "lasso";
    floor_ =
        squared ? floor_text("rmse", std::sqrt(made.floor)) : floor_text("log_loss", made.floor);
  };
  const auto common = [&](auto settings) {
    settings.rows = *data.examples;
    settings.features = static_cast<uint32_t>(*data.features);
    settings.test_share = data.test_share;
    settings.seed = job.job.seed;
    return settings;
  };
  if (data.generator == "clicks") {
    auto settings = common(SyntheticClicks{});
    settings.fields = data.fields;
    settings.skew = *data.skew;
    settings.signal = *data.signal;
    take([&] { return make_clicks(settings, run); });
  } else if (data.generator == "sparse") {
    auto settings = common(SyntheticLogistic{});
    settings.nonzeros = static_cast<uint32_t>(*data.nonzeros);
    settings.skew = *data.skew;
    settings.signal = *data.signal;
    settings.noise = *data.noise;
    take([&] { return make_logistic(settings, run); });
  } else {
    auto settings = common(SyntheticRegression{});
    settings.nonzeros = static_cast<uint32_t>(*data.nonzeros);
    settings.true_weights = data.true_weights;
    settings.noise = *data.noise;
    take([&] { return make_regression(settings, run); });
  }
}

void LoadedTask::set_up_count(const Job& job) {
  CountOptions options;
  options.examples = static_cast<uint32_t>(*job.data.examples);
  options.epochs = job.train.epochs;
  options.batch = static_cast<uint32_t>(job.train.batch.value_or(options.batch));
  description_ = human_count(options.examples) + " numbers to count";
  task_ = std::make_unique<CountTask>(options);
}

void LoadedTask::set_up_linear(const Job& job) {
  LinearOptions options;
  options.loss = job.model.loss == "squared" ? LinearLoss::squared : LinearLoss::logistic;
  options.optimizer = optimizer_of(job);
  options.rate = static_cast<float>(job.train.rate.value_or(0));
  options.decay = static_cast<float>(job.train.decay);
  options.l1 = static_cast<float>(job.model.l1);
  options.l2 = static_cast<float>(job.model.l2.value_or(0));
  options.batch = static_cast<uint32_t>(job.train.batch.value_or(0));
  options.seed = job.job.seed;
  const SparseExamples& test = test_.rows() > 0 ? test_ : train_;
  task_ = std::make_unique<LinearTask>(LinearData{spans(train_), spans(test), train_.features},
                                       options);
}

RowNames LoadedTask::row_names(TableId table) const {
  const auto found = dictionaries_.find(task_->tables().at(table.value).name);
  if (found == dictionaries_.end()) return {};
  return [names = found->second](uint32_t row) {
    return row < names->size() ? names->name(row) : std::string_view();
  };
}

std::vector<TableOptions> table_options(const Job& job, const Task& task) {
  const SyncSection& sync = job.sync;
  std::vector<TableOptions> tables;
  std::vector<std::string> names;
  // The more nodes, the sooner another one wants a row too. Two nodes send 1.05 kB for a triple of
  // WN18 with 3, and 0.98 with 0; 16 nodes need a fourth of the bytes with 3.
  const auto clings = static_cast<uint8_t>(std::min(job.cluster.nodes / 4, 3u));
  for (TableSpec& spec : task.tables()) {
    TableOptions options;
    // Under averages the tables only take the model in at the end.
    options.staleness = parse_staleness(averages(job) ? "async" : scheme_of(sync, spec.name));
    options.placement = parse_placement(placement_of(sync, spec.name));
    options.clings = clings;
    options.exact = *sync.updates == "exact";
    if (!averages(job)) options.coding = parse_row_coding(sync.compress);
    names.push_back(spec.name);
    options.spec = std::move(spec);
    tables.push_back(std::move(options));
  }
  require_tables("sync.tables", sync.tables, names, job.model.kind);
  require_tables("sync.placements", sync.placements, names, job.model.kind);
  return tables;
}

namespace {

// The edges of a topology that stands in a file.
std::vector<Edge> edges_for(const std::string& topology) {
  const std::string path = topology == "auto" ? "" : parse_topology(topology).path;
  if (path.empty()) return {};
  std::ifstream file(path);
  if (!file) throw UserError("cannot read " + path + ", which sync.topology names");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return parse_edges(text, path);
}

}  // namespace

std::unique_ptr<ReplicaSet> replicas_for(const Job& job, const Task& task, const Place& place,
                                         std::vector<CodecSpeed> speeds) {
  if (!averages(job)) return nullptr;
  AverageOptions options;
  options.rule = parse_average(*job.sync.scheme);
  options.topology = job.sync.topology == "auto" ? "" : job.sync.topology;
  options.edges = edges_for(job.sync.topology);
  options.seed = job.job.seed;
  options.codec = job.sync.compress;
  options.codec_speeds = std::move(speeds);
  options.outer_rate = job.sync.outer_rate;
  options.outer_momentum = job.sync.outer_momentum;
  options.group_trade_every = job.sync.trade_every;
  options.group_regroup_every = job.sync.regroup_every;
  options.gap = {job.sync.max_gap, job.sync.skip};
  options.delay = parse_delay(job.train.delay);
  options.correct_participation = job.sync.participation == "corrected";
  return std::make_unique<ReplicaSet>(task.tables(), place, options);
}

Sampling sampling_of(const Job& job, const Task& task) {
  return Sampling(task.samplers(), parse_sampling(*job.sync.sampling), job.job.seed);
}

}  // namespace hemiola
