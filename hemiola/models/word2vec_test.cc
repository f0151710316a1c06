#include "hemiola/models/word2vec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"
#include "hemiola/models/local_parameters.h"

namespace hemiola {
namespace {

using Two = std::array<uint32_t, 2>;
using Sharing = Word2VecOptions::Sharing;

// Sentences of two topics: even words in one, odd ones in the other. Word 0 and 1 are commonest.
struct Topics {
  static constexpr uint32_t kWords = 60;
  std::vector<uint32_t> tokens;
  std::vector<uint64_t> ends, counts;
  std::vector<Two> pairs;
  std::vector<float> scores;

  explicit Topics(size_t sentences) : counts(kWords) {
    Random random(9);
    for (size_t s = 0; s < sentences; ++s) {
      const auto topic = static_cast<uint32_t>(random.below(2));
      for (size_t i = 0; i < 12; ++i) {
        const auto w = static_cast<uint32_t>(random.below(kWords / 2) * random.below(2));
        tokens.push_back(2 * w + topic);
        ++counts[tokens.back()];
      }
      ends.push_back(tokens.size());
    }
    for (uint32_t a = 0; a < kWords; ++a) {
      for (uint32_t b = a + 1; b < kWords; ++b) {
        pairs.push_back({a, b});
        scores.push_back((a ^ b) & 1 ? 0.0f : 1.0f);
      }
    }
  }

  Word2VecData data() const { return {tokens, ends, counts, {{}, {}, {{"topic", pairs, scores}}}}; }
};

Word2VecOptions small_options() {
  Word2VecOptions options;
  options.dim = 20;
  options.subsample = 0;
  options.rate = 0.05f;
  options.epochs = 3;
  options.batch = 64;
  options.lookahead = 4;
  options.block = 1000;
  return options;
}

double train_pass(const Word2VecTask& task, Parameters& params, uint32_t epoch) {
  const size_t blocks = task.plan(1).blocks.size();
  LossSum all;
  for (uint32_t b = 0; b < blocks; ++b) {
    Work work{b, epoch, {}};
    if (b + 1 < blocks) work.next = b + 1;
    const LossSum loss = task.train(work, params);
    all.sum += loss.sum, all.examples += loss.examples;
  }
  return all.sum / all.examples;
}

double metric(const Word2VecTask& task, Parameters& params, const std::string& name) {
  std::vector<double> sums(task.metric_sums());
  for (uint32_t p = 0; p < task.evaluation_parts(); ++p) task.evaluate(p, params, sums);
  for (const Metric& m : task.metrics(sums)) {
    if (m.name == name) return m.value;
  }
  return NAN;
}

std::vector<float> rows_of(const LocalTables& tables, TableId table) {
  std::vector<float> out;
  for (uint32_t k = 0; k < tables.row_count(table); ++k) {
    const auto row = tables.row(table, Key{k});
    out.insert(out.end(), row.begin(), row.end());
  }
  return out;
}

TEST(Word2Vec, Two_topics_come_apart_however_rows_are_reached_and_negatives_are_shared) {
  const Topics topics(2500);
  for (const Sharing sharing : {Sharing::own, Sharing::window}) {
    auto options = small_options();
    options.sharing = sharing;
    const Word2VecTask task(topics.data(), options);
    std::map<std::string, std::vector<float>> results;
    for (const bool by_pointer : {false, true}) {
      for (const bool latched : {false, true}) {
        LocalTables tables(task.tables(), latched);
        LocalParameters params(tables, task.samplers(), 3, by_pointer);
        const double before = metric(task, params, "topic");
        double loss = 0;
        for (uint32_t epoch = 0; epoch < 3; ++epoch) loss = train_pass(task, params, epoch);
        EXPECT_LT(std::abs(before), 0.2);
        // Of vectors that know nothing it is ln 2 for each of 6 products of some 5 pairs.
        EXPECT_LT(loss, 0.5 * 30 * std::log(2));
        // Half of the pairs are alike: the best rank correlation that there is, is 0.866.
        EXPECT_GT(metric(task, params, "topic"), 0.8);
        results[latched ? "latched" : "free"] = rows_of(tables, Word2VecTask::kInput);
        EXPECT_EQ(params.examples(), 3 * topics.tokens.size());
        EXPECT_EQ(params.intended() > 0, by_pointer);
      }
    }
    // Latched or not, the same steps are made, but for how sums are rounded.
    for (size_t i = 0; i < results["free"].size(); ++i) {
      ASSERT_NEAR(results["free"][i], results["latched"][i], 1e-2);
    }
  }
}

TEST(Word2Vec, Rows_by_pointer_are_trained_to_the_same_bits_as_rows_that_are_here) {
  const Topics topics(300);
  auto options = small_options();
  options.subsample = 1e-2f;
  const Word2VecTask task(topics.data(), options);
  std::vector<float> first;
  for (const bool by_pointer : {false, true}) {
    LocalTables tables(task.tables(), false);
    LocalParameters params(tables, task.samplers(), 3, by_pointer);
    train_pass(task, params, 0);
    const auto rows = rows_of(tables, Word2VecTask::kOutput);
    if (first.empty()) first = rows;
    EXPECT_EQ(rows, first);
  }
}

TEST(Word2Vec, Two_threads_that_latch_lose_nothing_that_matters) {
  const Topics topics(2500);
  const Word2VecTask task(topics.data(), small_options());
  LocalTables tables(task.tables(), true);
  const auto blocks = static_cast<uint32_t>(task.plan(2).blocks.size());
  for (uint32_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::jthread> threads;
    for (uint32_t t = 0; t < 2; ++t) {
      threads.emplace_back([&, t] {
        LocalParameters params(tables, task.samplers(), mix(epoch, t));
        for (uint32_t b = t; b < blocks; b += 2) task.train({b, epoch, {}}, params);
      });
    }
  }
  LocalParameters params(tables);
  EXPECT_GT(metric(task, params, "topic"), 0.8);
}

// What a run says ahead of time, beside what it then asks for.
class Recorder : public LocalParameters {
 public:
  Recorder(LocalTables& tables, std::span<const SamplerSpec> samplers)
      : LocalParameters(tables, samplers, 1, true) {}

  void rows(TableId table, std::span<const Key> keys, Access access,
            std::span<float*> out) override {
    for (const Key key : keys) asked[steps()][table.value].push_back(key.value);
    LocalParameters::rows(table, keys, access, out);
  }
  void intend(TableId table, std::span<const Key> keys, uint32_t first, uint32_t last) override {
    EXPECT_EQ(last, first + 1);
    for (const Key key : keys) said[steps() + first][table.value].push_back(key.value);
  }
  Samples prepare_sample(uint32_t sampler, uint32_t n, uint32_t first, uint32_t last) override {
    EXPECT_EQ(last, first + 1);
    prepared[steps() + first] += n;
    return LocalParameters::prepare_sample(sampler, n, first, last);
  }
  void sample(Samples samples, std::span<Key> keys) override {
    LocalParameters::sample(samples, keys);
    drawn[steps()] += keys.size();
    for (const Key key : keys) draws[steps()].push_back(key.value);
  }

  using ByTable = std::map<uint32_t, std::vector<uint32_t>>;
  std::map<size_t, ByTable> asked, said;
  std::map<size_t, std::vector<uint32_t>> draws;
  std::map<size_t, size_t> prepared, drawn;
};

TEST(Word2Vec, What_a_step_asks_for_was_said_and_what_it_draws_was_announced) {
  const Topics topics(300);
  for (const Sharing sharing : {Sharing::own, Sharing::window}) {
    auto options = small_options();
    options.sharing = sharing;
    const Word2VecTask task(topics.data(), options);
    LocalTables tables(task.tables(), false);
    Recorder params(tables, task.samplers());
    train_pass(task, params, 0);
    EXPECT_EQ(params.prepared, params.drawn);
    EXPECT_GT(params.steps(), 40u);
    for (auto& [step, tables_asked] : params.asked) {
      if (step == 0) continue;  // nobody could know of it before
      for (auto& [table, keys] : tables_asked) {
        auto said = params.said[step][table];
        if (table == 1)
          said.insert(said.end(), params.draws[step].begin(), params.draws[step].end());
        const std::set<uint32_t> ahead(said.begin(), said.end()), now(keys.begin(), keys.end());
        EXPECT_EQ(ahead, now) << "step " << step << ", table " << table;
      }
    }
  }
}

TEST(Word2Vec, Negatives_are_drawn_by_count_to_the_power_and_each_pair_has_its_own_or_its_windows) {
  const Topics topics(1000);
  auto options = small_options();
  options.power = 0.5f;
  size_t own = 0;
  for (const Sharing sharing : {Sharing::own, Sharing::window}) {
    options.sharing = sharing;
    const Word2VecTask task(topics.data(), options);
    LocalTables tables(task.tables(), false);
    Recorder params(tables, task.samplers());
    train_pass(task, params, 0);
    std::vector<double> times(Topics::kWords), share(Topics::kWords);
    double all = 0, weights = 0;
    for (const auto& [step, keys] : params.draws) {
      for (const uint32_t w : keys) ++times[w], ++all;
    }
    for (uint32_t w = 0; w < Topics::kWords; ++w) {
      weights += share[w] = std::sqrt(static_cast<double>(topics.counts[w]));
    }
    double chi = 0;
    for (uint32_t w = 0; w < Topics::kWords; ++w) {
      const double expected = all * share[w] / weights;
      chi += (times[w] - expected) * (times[w] - expected) / expected;
    }
    EXPECT_LT(chi, 98.3);  // of 59 degrees of freedom: once in a thousand
    if (sharing == Sharing::own) {
      own = static_cast<size_t>(all);
    } else {
      // A window of 5 has 6 words on average.
      EXPECT_LT(all, static_cast<double>(own) / 4);
      EXPECT_LE(all, 5.0 * static_cast<double>(topics.tokens.size()));
    }
  }
}

TEST(Word2Vec, The_rate_falls_in_a_straight_line_whoever_trains) {
  const Topics topics(100);
  auto options = small_options();
  options.epochs = 4;
  const Word2VecTask task(topics.data(), options);
  const uint64_t half = topics.tokens.size() / 2;
  EXPECT_FLOAT_EQ(task.rate_at(0, 0), 0.05f);
  EXPECT_NEAR(task.rate_at(1, half), 0.05 * (1 - 1.5 / 4), 1e-5);
  EXPECT_NEAR(task.rate_at(3, half), 0.05 * (1 - 3.5 / 4), 1e-5);
  EXPECT_NEAR(task.rate_at(3, 2 * half), 0.05 * 1e-4, 1e-9);
  EXPECT_TRUE(task.plan(1).in_order);
}

TEST(Word2Vec, Blocks_cover_the_text_and_there_are_enough_for_all_workers) {
  const Topics topics(1000);
  for (const uint32_t workers : {1, 3, 40}) {
    auto options = small_options();
    options.block = 0;
    options.batch = 16;
    options.workers = workers;
    const BlockPlan plan = Word2VecTask(topics.data(), options).plan(workers);
    uint64_t words = 0;
    for (const BlockSpec& block : plan.blocks) words += block.examples;
    EXPECT_EQ(words, topics.tokens.size());
    EXPECT_GE(plan.blocks.size(), 10 * workers);
  }
}

TEST(Word2Vec, Settings_and_texts_that_cannot_be_are_refused) {
  const Topics topics(10);
  const auto refuses = [&](auto&& change) {
    Word2VecOptions options = small_options();
    Word2VecData data = topics.data();
    change(options, data);
    EXPECT_THROW(Word2VecTask(data, options), UserError);
  };
  refuses([](auto& o, auto&) { o.dim = 0; });
  refuses([](auto& o, auto&) { o.window = 0; });
  refuses([](auto& o, auto&) { o.window = 256; });
  refuses([](auto& o, auto&) { o.negatives = 0; });
  refuses([](auto& o, auto&) { o.negatives = 64; });
  refuses([](auto& o, auto&) { o.rate = 0; });
  refuses([](auto& o, auto&) { o.rate_end = 2; });
  refuses([](auto& o, auto&) { o.subsample = -1; });
  refuses([](auto& o, auto&) { o.batch = 0; });
  refuses([](auto& o, auto&) { o.epochs = 0; });
  refuses([](auto&, auto& d) { d.tokens = {}; });
  refuses([](auto&, auto& d) { d.counts = d.counts.first(3); });
}

TEST(Word2Vec, A_rate_that_is_far_too_high_is_an_error_that_says_so) {
  const Topics topics(300);
  auto options = small_options();
  options.rate = 1e30f;
  const Word2VecTask task(topics.data(), options);
  LocalTables tables(task.tables(), false);
  LocalParameters params(tables, task.samplers(), 1);
  try {
    train_pass(task, params, 0);
    FAIL() << "nothing was thrown";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("lower train.rate"), std::string::npos);
  }
}

}  // namespace
}  // namespace hemiola
