#include "hemiola/train/options.h"

#include "hemiola/core/check.h"
#include "hemiola/table/staleness.h"

namespace hemiola {
namespace {

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
  } else {
    fill<uint64_t>(data.examples, 100'000);
    fill<uint64_t>(data.features, 100'000);
    fill<uint64_t>(data.nonzeros, 25);
    fill(data.noise, 0.1);
  }
}

// A model and data that do not go together are told before anything is read.
void check_match(const Job& job) {
  const bool made = job.data.kind == "synthetic";
  const std::string& form = made ? job.data.generator : job.data.kind;
  const std::string key = made ? "data.generator" : "data.kind";
  if ((job.model.kind == "mf") != (form == "ratings")) {
    throw UserError("model.kind = \"" + job.model.kind + "\" learns from " +
                    (job.model.kind == "mf" ? "ratings" : "sparse examples") + ", but " + key +
                    " is \"" + form + "\"");
  }
  const bool squared = job.model.loss == "squared";
  if (made && job.model.kind == "linear" && (form == "lasso") != squared) {
    throw UserError("data.generator = \"" + form + "\" needs model.loss = \"" +
                    (squared ? "logistic" : "squared") + "\"");
  }
}

void resolve_sync(Job& job) {
  SyncSection& sync = job.sync;
  const bool alone = job.cluster.nodes == 1;
  fill<std::string>(sync.scheme, alone ? "shared" : "essp(3)");
  if (sync.strict && *sync.scheme != "bsp" && *sync.scheme != "bsp strict") {
    throw UserError("`sync.strict` is for sync.scheme = \"bsp\", but the scheme is \"" +
                    *sync.scheme + "\"");
  }
  if (sync.strict) sync.scheme = "bsp strict";
  sync.strict = *sync.scheme == "bsp strict";
  parse_staleness(*sync.scheme);
  if (*sync.scheme == "shared" && !alone) {
    throw UserError("sync.scheme = \"shared\" is for one node; with " +
                    std::to_string(job.cluster.nodes) +
                    " nodes choose bsp, bsp strict, ssp(S), essp(S) or async");
  }
  fill<std::string>(sync.updates, *sync.scheme == "shared" ? "lockfree" : "exact");
  for (const auto& [table, scheme] : sync.tables) parse_staleness(scheme);
  if (sync.placement != "static") {
    throw UserError("sync.placement = \"" + sync.placement +
                    "\" is not yet available; \"static\" is");
  }
  if (sync.compress != "none") {
    throw UserError("sync.compress = \"" + sync.compress + "\" is not yet available; \"none\" is");
  }
}

}  // namespace

void resolve(Job& job) {
  if (job.data.kind == "synthetic") {
    resolve_generator(job.data);
  } else {
    resolve_files(job.data);
  }
  check_match(job);
  resolve_sync(job);
}

}  // namespace hemiola
