#include "hemiola/train/options.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>
#include <vector>

#include "hemiola/average/codec.h"
#include "hemiola/average/rule.h"
#include "hemiola/average/strategy.h"
#include "hemiola/average/topology.h"
#include "hemiola/core/check.h"
#include "hemiola/data/fashion_mnist.h"
#include "hemiola/models/dense.h"
#include "hemiola/models/kge.h"
#include "hemiola/models/word2vec.h"
#include "hemiola/table/placement.h"
#include "hemiola/table/row_coding.h"
#include "hemiola/table/sampling.h"
#include "hemiola/table/staleness.h"
#include "hemiola/train/checkpoint_every.h"

namespace hemiola {
namespace {

// Images that every Debian machine can have, when a job names none.
void resolve_images(DataSection& data) {
  if (data.kind != "images" || !data.train.empty() || !data.test.empty()) return;
  data.train = fashion_mnist_train();
  data.test = fashion_mnist_test();
}

void resolve_files(const DataSection& data) {
  if (data.train.empty()) {
    throw UserError("`data.train` is missing: with data.kind = \"" + data.kind +
                    "\" it names the file to train on");
  }
  const bool folds = data.kind == "ratings" && data.fold_column > 0;
  if (folds && !data.test.empty()) {
    throw UserError("`data.test` and `data.fold_column` are both set; leave one of them out");
  }
  if (folds && data.test_fold == 0) {
    throw UserError(
        "`data.fold_column` is set, so `data.test_fold` must say which fold to test on");
  }
}

template <class T>
void fill(std::optional<T>& setting, T value) {
  if (!setting) setting = value;
}

void resolve_generator(DataSection& data) {
  if (data.generator == "ratings") {
    fill<uint64_t>(data.examples, 1'000'000);
    fill(data.skew, 0.9);
    fill(data.signal, 0.7);
    fill(data.noise, 0.75);
  } else if (data.generator == "clicks") {
    fill<uint64_t>(data.examples, 1'000'000);
    fill<uint64_t>(data.features, 880'520);
    fill(data.skew, 1.1);
    fill(data.signal, 0.5);
  } else if (data.generator == "sparse") {
    fill<uint64_t>(data.examples, 1'000'000);
    fill<uint64_t>(data.features, 1'000'000);
    fill<uint64_t>(data.nonzeros, 20);
    fill(data.skew, 1.1);
    fill(data.signal, 0.7);
    fill(data.noise, 0.0);
  } else if (data.generator == "numbers") {
    fill<uint64_t>(data.examples, 100'000);
  } else {
    fill<uint64_t>(data.examples, 100'000);
    fill<uint64_t>(data.features, 100'000);
    fill<uint64_t>(data.nonzeros, 25);
    fill(data.noise, 0.1);
  }
}

std::string_view learns_from(const std::string& model) {
  if (model == "mf") return "ratings";
  if (model == "kge") return "triples";
  if (model == "word2vec") return "text";
  if (model == "dense") return "images";
  if (model == "count") return "numbers";
  return "sparse examples";
}

// A model and data that do not go together are told before anything is read.
void check_match(const Job& job) {
  const bool made = job.data.kind == "synthetic";
  const bool can_be_made =
      job.model.kind == "mf" || job.model.kind == "linear" || job.model.kind == "count";
  const std::string& form = made && can_be_made ? job.data.generator : job.data.kind;
  const std::string_view found = form == "ratings" || form == "triples" || form == "text" ||
                                         form == "images" || form == "numbers"
                                     ? std::string_view(form)
                                 : form == "synthetic" ? ""
                                                       : "sparse examples";
  if (const auto needed = learns_from(job.model.kind); needed != found) {
    throw UserError("model.kind = \"" + job.model.kind + "\" learns from " + std::string(needed) +
                    ", but " + (made && can_be_made ? "data.generator" : "data.kind") + " is \"" +
                    form + "\"");
  }
  const bool squared = job.model.loss == "squared";
  if (made && job.model.kind == "linear" && (form == "lasso") != squared) {
    throw UserError("data.generator = \"" + form + "\" needs model.loss = \"" +
                    (squared ? "logistic" : "squared") + "\"");
  }
}

// A word that another model knows, but not this one.
void require_word(const std::string& key, const std::string& word, const std::string& model,
                  const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), word) != known.end()) return;
  std::string list;
  for (const auto& k : known) list += (list.empty() ? "\"" : " or \"") + k + "\"";
  throw UserError(key + " = \"" + word + "\" is not for model.kind = \"" + model + "\"; use " +
                  list);
}

void resolve_model(Job& job) {
  ModelSection& model = job.model;
  if (model.kind == "linear") {
    fill<std::string>(model.loss, "logistic");
    require_word("model.loss", *model.loss, model.kind, {"logistic", "squared"});
  } else if (model.kind == "kge") {
    const KgeOptions usual;
    fill<std::string>(model.loss, "softmax");
    fill<std::string>(model.sharing, "shared");
    require_word("model.loss", *model.loss, model.kind,
                 {"softmax", "logistic", "self_adversarial"});
    require_word("model.sharing", *model.sharing, model.kind, {"shared", "own"});
    fill<uint64_t>(model.dim, usual.dim);
    fill<uint64_t>(model.negatives, usual.negatives);
    fill<uint64_t>(job.train.batch, usual.batch);
    fill<uint64_t>(job.train.lookahead, usual.lookahead);
  } else if (model.kind == "word2vec") {
    const Word2VecOptions usual;
    fill<std::string>(model.sharing, "own");
    require_word("model.sharing", *model.sharing, model.kind, {"own", "window"});
    fill<uint64_t>(model.dim, usual.dim);
    fill<uint64_t>(model.negatives, usual.negatives);
    fill<uint64_t>(job.train.batch, usual.batch);
    fill<uint64_t>(job.train.lookahead, usual.lookahead);
  } else if (model.kind == "dense") {
    parse_sizes("model.filters", model.filters);
    parse_sizes("model.hidden", model.hidden);
    fill<uint64_t>(job.train.batch, DenseOptions().batch);
    fill<std::string>(job.train.optimizer, "sgd");
  }
  fill<std::string>(job.train.optimizer, "adagrad");
}

void resolve_evaluation(Job& job) {
  if (job.data.kind != "triples") return;
  const bool valid = !job.data.valid.empty(), test = !job.data.test.empty();
  fill<std::string>(job.train.evaluate_on, test ? "test" : valid ? "valid" : "none");
  const std::string& on = *job.train.evaluate_on;
  const bool wants_valid = on == "valid" || on == "both", wants_test = on == "test" || on == "both";
  if ((wants_valid && !valid) || (wants_test && !test)) {
    throw UserError("train.evaluate_on = \"" + on + "\" needs `data." +
                    (wants_valid && !valid ? "valid" : "test") + "`, which is missing");
  }
}

// Rows of a strict table are added up in a fixed order at a fixed place.
void refuse_strict(const std::string& scheme, const std::string& placement,
                   const std::string& where) {
  if (!parse_staleness(scheme).strict || !parse_placement(placement).adapts()) return;
  throw UserError("`bsp strict`" + where + " needs placement \"static\", but it is \"" + placement +
                  "\": with rows that move or are copied by need, runs are not equal bit by bit");
}

void resolve_placement(Job& job) {
  SyncSection& sync = job.sync;
  bool adapts = parse_placement(sync.placement).adapts();
  for (const auto& [table, placement] : sync.placements) {
    adapts = adapts || parse_placement(placement).adapts();
  }
  refuse_strict(*sync.scheme, sync.placement, "");
  std::set<std::string> named;
  for (const auto& [table, scheme] : sync.tables) named.insert(table);
  for (const auto& [table, placement] : sync.placements) named.insert(table);
  for (const std::string& table : named) {
    refuse_strict(scheme_of(sync, table), placement_of(sync, table), " of table `" + table + "`");
  }
  fill<std::string>(sync.sampling, adapts ? "local" : "independent");
  const SamplingRule rule = parse_sampling(*sync.sampling);
  using Kind = SamplingRule::Kind;
  if (sync.strict && (rule.kind == Kind::postponed || rule.kind == Kind::local)) {
    throw UserError("sync.sampling = \"" + *sync.sampling +
                    "\" draws what is at hand, so runs under `bsp strict` would not be equal bit "
                    "by bit; use independent or pool");
  }
}

void resolve_compression(const Job& job) {
  const std::string& compress = job.sync.compress;
  if (compress == "none") return;
  if (compress != "auto") make_codec(compress);
  if (averages(job)) return require_codec_fits(parse_average(*job.sync.scheme), compress);
  if (compress == "auto") {
    throw UserError(
        "sync.compress = \"auto\" times rounds of allreduce, local(H) or outer(H); for "
        "tables name bf16 or quantise(8)");
  }
  parse_row_coding(compress);
  if (*job.sync.scheme == "shared") {
    throw UserError("sync.compress = \"" + compress +
                    "\" is for what nodes send each other, and under sync.scheme = \"shared\" "
                    "there is one; leave it out");
  }
  const auto is_strict = [](const auto& scheme) { return parse_staleness(scheme).strict; };
  const auto& tables = job.sync.tables;
  const bool strict = job.sync.strict || is_strict(*job.sync.scheme) ||
                      std::any_of(tables.begin(), tables.end(),
                                  [&](const auto& table) { return is_strict(table.second); });
  if (strict) {
    throw UserError("sync.compress = \"" + compress +
                    "\" leaves a part of each update for later, "
                    "which `bsp strict`, the same whatever the number of nodes, may not; leave it "
                    "out, or take bsp");
  }
}

void resolve_gap(const Job& job) {
  const SyncSection& sync = job.sync;
  if (sync.skip > 0 && sync.max_gap == 0) {
    throw UserError(
        "`sync.skip` lets a worker catch up that is far behind by `sync.max_gap`, which "
        "is not set; set both, or none");
  }
  if (sync.max_gap == 0) return;
  if (averages(job)) return require_gap_fits(parse_average(*sync.scheme));
  throw UserError("`sync.max_gap` is for gossip, groups and backup; under sync.scheme = \"" +
                  *sync.scheme + "\" choose ssp(S) or essp(S), whose bound is S");
}

void resolve_delay(const Job& job) {
  if (parse_delay(job.train.delay).kind == DelayRule::Kind::fixed) return;
  using Kind = AverageRule::Kind;
  const Kind kind = averages(job) ? parse_average(*job.sync.scheme).kind : Kind::allreduce;
  if (kind == Kind::gossip || kind == Kind::pushsum || kind == Kind::groups) return;
  throw UserError("train.delay = \"" + job.train.delay +
                  "\" is for gossip, pushsum and groups, under which others change a worker's "
                  "values while it computes; leave it out under sync.scheme = \"" +
                  *job.sync.scheme + "\"");
}

// Settings that say something about rows in tables.
void refuse_table_settings(const SyncSection& sync) {
  const auto refuse = [&](const std::string& what, const std::string& why) {
    throw UserError(what + " is for schemes of tables, but sync.scheme = \"" + *sync.scheme +
                    "\" averages whole models: " + why);
  };
  if (sync.placement != "static" || !sync.placements.empty()) {
    refuse("`sync.placement`", "every worker has all rows; leave it out");
  }
  const AverageRule::Kind kind = parse_average(*sync.scheme).kind;
  const bool exact = kind == AverageRule::Kind::allreduce || kind == AverageRule::Kind::local ||
                     kind == AverageRule::Kind::outer;
  if (sync.strict && !exact) {
    throw UserError(
        "`sync.strict` is for sync.scheme = \"bsp\", allreduce, local(H) and outer(H), "
        "but under \"" +
        *sync.scheme + "\" what a run comes to depends on who is how fast");
  }
  if (sync.strict && sync.compress == "auto") {
    throw UserError(
        "`sync.strict` does not go with sync.compress = \"auto\": which codec it finds depends on "
        "times; name one");
  }
  if (!sync.tables.empty()) refuse("`sync.tables`", "one scheme holds for all; leave it out");
}

void resolve_average(Job& job) {
  SyncSection& sync = job.sync;
  refuse_table_settings(sync);
  sync.scheme = parse_average(*sync.scheme).name();
  if (sync.topology != "auto") parse_topology(sync.topology);
  fill<std::string>(sync.updates, "lockfree");
  fill<std::string>(sync.sampling, "independent");
  if (parse_sampling(*sync.sampling).kind != SamplingRule::Kind::independent) {
    throw UserError("sync.sampling = \"" + *sync.sampling + "\" is for schemes of tables; under " +
                    *sync.scheme + " all rows are at hand, so draws are independent");
  }
}

void require_scheme(const std::string& scheme) {
  try {
    parse_staleness(scheme);
  } catch (const UserError& e) {
    throw UserError(std::string(e.what()) +
                    "; or, for averages of whole models, allreduce, local(H), outer(H), "
                    "groups(M, S), gossip, pushsum, consensus or backup");
  }
}

void resolve_sync(Job& job) {
  SyncSection& sync = job.sync;
  const bool alone = job.cluster.nodes == 1;
  fill<std::string>(sync.scheme, alone ? "shared" : "essp(3)");
  const bool tables = !names_average(*sync.scheme);
  const bool may_lose = std::max(job.cluster.nodes, job.cluster.max_nodes) > 1;
  fill<uint64_t>(sync.copies, tables && may_lose && job.cluster.on_loss == "go_on" ? 2 : 1);
  const bool counts = job.model.kind == "count";
  if (names_average(*sync.scheme)) {
    if (counts) {
      throw UserError("model.kind = \"count\" adds up, which sync.scheme = \"" + *sync.scheme +
                      "\" does not: choose bsp, bsp strict, ssp(S), essp(S) or async");
    }
    resolve_average(job);
    resolve_compression(job);
    resolve_gap(job);
    resolve_delay(job);
    return;
  }
  if (sync.strict && *sync.scheme != "bsp" && *sync.scheme != "bsp strict") {
    throw UserError(
        "`sync.strict` is for sync.scheme = \"bsp\", allreduce, local(H) and outer(H), but the "
        "scheme is \"" +
        *sync.scheme + "\"");
  }
  if (sync.strict) sync.scheme = "bsp strict";
  sync.strict = *sync.scheme == "bsp strict";
  require_scheme(*sync.scheme);
  if (*sync.scheme == "shared" && !alone) {
    throw UserError("sync.scheme = \"shared\" is for one node; with " +
                    std::to_string(job.cluster.nodes) +
                    " nodes choose bsp, bsp strict, ssp(S), essp(S) or async");
  }
  const bool lockfree = *sync.scheme == "shared" && !counts;
  fill<std::string>(sync.updates, lockfree ? "lockfree" : "exact");
  for (const auto& [table, scheme] : sync.tables) parse_staleness(scheme);
  resolve_placement(job);
  resolve_compression(job);
  resolve_gap(job);
  resolve_delay(job);
}

}  // namespace

bool averages(const Job& job) { return names_average(*job.sync.scheme); }

std::string scheme_of(const SyncSection& sync, const std::string& table) {
  const auto own = sync.tables.find(table);
  return own != sync.tables.end() ? own->second : *sync.scheme;
}

std::string placement_of(const SyncSection& sync, const std::string& table) {
  const auto own = sync.placements.find(table);
  return own != sync.placements.end() ? own->second : sync.placement;
}

std::vector<uint32_t> parse_sizes(const std::string& key, const std::string& list) {
  std::vector<uint32_t> sizes;
  std::istringstream in(list);
  for (std::string item; std::getline(in, item, ',');) {
    const size_t first = item.find_first_not_of(' '), last = item.find_last_not_of(' ');
    const char* end = item.data() + last + 1;
    uint32_t size = 0;
    const auto read = first == std::string::npos
                          ? std::from_chars_result{nullptr, std::errc::invalid_argument}
                          : std::from_chars(item.data() + first, end, size);
    if (read.ec != std::errc() || read.ptr != end || size == 0 || size > 65'536) {
      throw UserError("`" + key + "` is \"" + list +
                      "\", but must be numbers from 1 to 65536 by commas, such as \"256, 128\"");
    }
    sizes.push_back(size);
  }
  return sizes;
}

void resolve(Job& job) {
  if (job.data.kind == "synthetic") {
    resolve_generator(job.data);
  } else {
    resolve_images(job.data);
    resolve_files(job.data);
  }
  check_match(job);
  resolve_model(job);
  resolve_evaluation(job);
  resolve_sync(job);
  parse_every(job.checkpoint.every);
}

}  // namespace hemiola
