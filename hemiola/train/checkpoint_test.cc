#include "hemiola/train/checkpoint.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "hemiola/train/checkpoint_for_test.h"
#include "hemiola/train/checkpoint_reader.h"

namespace hemiola {
namespace {

namespace fs = std::filesystem;
using test::Fault;
using test::FaultyDisk;
using test::TempFolder;

std::optional<GoodCheckpoint> newest(const std::string& folder) {
  return newest_good(folder, [](const std::string&) {});
}

std::vector<uint32_t> sequences(const std::string& folder) {
  std::vector<uint32_t> found;
  for (const CheckpointPlace& place : checkpoints_in(folder)) found.push_back(place.sequence);
  return found;
}

// All rows are there, and all of the epoch that the manifest says.
void expect_one_epoch(const GoodCheckpoint& good) {
  const CheckpointReader reader(good);
  const CheckpointManifest& m = good.manifest;
  EXPECT_EQ(m.agenda.pass(), 2 * m.epoch());
  for (uint32_t t = 0; t < m.tables.size(); ++t) {
    std::vector<float> row(m.tables[t].row_length());
    for (uint32_t k = 0; k < m.tables[t].rows; ++k) {
      reader.row(TableId{t}, Key{k}, row);
      const std::vector<float> expected(row.size(), CheckpointedJob::value(k, m.epoch()));
      ASSERT_EQ(row, expected) << t << " " << k;
    }
  }
}

TEST(Checkpoint, Every_epoch_leaves_one_and_the_last_two_are_kept) {
  for (const uint32_t nodes : {1U, 2U, 5U}) {
    const TempFolder folder;
    const std::string place = folder.path("run/checkpoints");
    CheckpointedJob job(place, nodes);
    for (uint32_t e = 1; e <= 4; ++e) {
      job.whole_epoch();
      const auto good = newest(place);
      ASSERT_TRUE(good);
      EXPECT_EQ(good->manifest.epoch(), e);
      EXPECT_EQ(good->manifest.nodes, nodes);
      EXPECT_EQ(good->manifest.examples, 10U);
      expect_one_epoch(*good);
    }
    EXPECT_EQ(sequences(place), (std::vector<uint32_t>{3, 4}));
    // Nothing is left over.
    EXPECT_EQ(names_in(place + "/ckpt-000004").size(), nodes + 1);
    EXPECT_EQ(job.checkpoints[0]->totals().written, 4U);
    EXPECT_GT(job.checkpoints[0]->totals().bytes, 4U * 4 * (23 * 6 + 5 * 2));
    EXPECT_TRUE(job.said.empty()) << job.said[0];
  }
}

TEST(Checkpoint, They_are_taken_as_often_as_was_asked_and_behind_the_last_epoch) {
  const TempFolder folder;
  CheckpointedJob job(folder.path("c"), 2, disk(), {.every = {.epochs = 2}, .keep = 9});
  for (uint32_t e = 1; e <= 5; ++e) {
    job.epoch(e == 5);
    job.settle();
  }
  std::vector<uint32_t> epochs;
  for (const auto& place : checkpoints_in(folder.path("c"))) {
    epochs.push_back(read_manifest(place.path).epoch());
  }
  EXPECT_EQ(epochs, (std::vector<uint32_t>{2, 4, 5}));
}

TEST(Checkpoint, By_time_the_first_end_of_an_epoch_after_it_counts) {
  const TempFolder folder;
  CheckpointedJob job(folder.path("c"), 2, disk(), {.every = {.seconds = 2.5}, .keep = 9});
  std::vector<size_t> there;
  for (uint32_t e = 1; e <= 7; ++e) {
    job.whole_epoch();
    there.push_back(checkpoints_in(folder.path("c")).size());
  }
  EXPECT_EQ(there, (std::vector<size_t>{0, 0, 1, 1, 1, 2, 2}));
}

TEST(Checkpoint, Where_a_node_has_a_folder_of_its_own_none_is_written_and_a_line_says_so_once) {
  const TempFolder folder;
  CheckpointedJob job(folder.path("a"), 3);
  CheckpointOptions other = job.options;
  other.folder = folder.path("b");
  job.checkpoints[2] = std::make_unique<Checkpoints>(
      other, CheckpointedJob::about(), 0, [](Level, const std::string& line) { FAIL() << line; });
  job.whole_epoch();
  job.whole_epoch();
  ASSERT_EQ(job.said.size(), 1U);
  EXPECT_NE(job.said[0].find("the node of rank 2 does not see " + folder.path("a")),
            std::string::npos)
      << job.said[0];
  EXPECT_TRUE(names_in(folder.path("a")).empty());
  EXPECT_FALSE(folder.has("b"));
  EXPECT_EQ(job.checkpoints[0]->totals().left_out, 2U);
}

TEST(Checkpoint, Training_goes_on_while_a_slow_disk_writes) {
  using std::chrono::steady_clock;
  const TempFolder folder;
  const FaultyDisk slow({.slow = std::chrono::milliseconds(40)});
  CheckpointedJob job(folder.path("c"), 2, slow, {.every = {.epochs = 1}, .buffers = 1000});
  job.whole_epoch();
  const auto begun = steady_clock::now();
  job.epoch();
  const auto blocked = steady_clock::now() - begun;
  job.epoch();  // which is left out
  job.settle();
  const auto written = steady_clock::now() - begun;
  EXPECT_GT(written, std::chrono::milliseconds(4 * 40)) << "the disk was not slow";
  EXPECT_LT(blocked, written / 2);
  ASSERT_EQ(job.said.size(), 1U);
  EXPECT_NE(job.said[0].find("no checkpoint of epoch 3"), std::string::npos) << job.said[0];
  const auto good = newest(folder.path("c"));
  ASSERT_TRUE(good);
  EXPECT_EQ(good->manifest.epoch(), 2U);
}

TEST(Checkpoint, None_is_taken_where_none_was_asked_for) {
  const TempFolder folder;
  CheckpointedJob job(folder.path("c"), 2, disk(), {.every = {}});
  job.epoch(true);
  EXPECT_FALSE(folder.has("c"));
}

// What crashes may leave: in all of these the job must be able to go on from an epoch that is
// whole, and from no earlier one than that before the crash.
class Crash : public testing::TestWithParam<uint32_t> {};

uint64_t calls_of_one_epoch(uint32_t nodes) {
  const TempFolder folder;
  const FaultyDisk faulty({});
  CheckpointedJob job(folder.path("c"), nodes, faulty);
  job.whole_epoch();
  return faulty.calls();
}

TEST_P(Crash, At_every_write_boundary_a_good_checkpoint_loads) {
  const uint32_t nodes = GetParam();
  const uint64_t calls = calls_of_one_epoch(nodes) + 12;  // removing old ones too
  bool old_one = false, new_one = false;
  for (uint64_t at = 0; at < calls; ++at) {
    for (uint64_t seed = 0; seed < 2; ++seed) {
      const TempFolder folder;
      const FaultyDisk calm({});
      CheckpointedJob job(folder.path("c"), nodes, calm);
      job.whole_epoch();
      job.whole_epoch();
      const FaultyDisk faulty({.at = at, .fault = Fault::crash, .seed = seed});
      CheckpointOptions options = job.options;
      options.short_patience_seconds = options.patience_seconds = 0.003;
      CheckpointedJob then(folder.path("c"), nodes, faulty, options);
      then.agenda = job.agenda;
      then.epoch();
      for (const auto& c : then.checkpoints) c->finish(false);
      if (seed > 0) faulty.lose_power();
      const auto good = newest(folder.path("c"));
      ASSERT_TRUE(good) << at;
      expect_one_epoch(*good);
      ASSERT_GE(good->manifest.epoch(), 2U) << at;
      (good->manifest.epoch() == 2 ? old_one : new_one) = true;
      // The next run writes its own beside what is left, and sweeps it.
      CheckpointedJob next(folder.path("c"), nodes, calm);
      next.agenda = good->manifest.agenda;
      next.whole_epoch();
      next.whole_epoch();
      ASSERT_TRUE(next.said.empty()) << next.said[0];
      ASSERT_EQ(newest(folder.path("c"))->manifest.epoch(), good->manifest.epoch() + 2);
      ASSERT_EQ(sequences(folder.path("c")).size(), 2U) << at;
    }
  }
  EXPECT_TRUE(old_one && new_one);
}

TEST_P(Crash, Every_call_that_fails_costs_a_warning_and_no_more) {
  const uint32_t nodes = GetParam();
  const uint64_t calls = calls_of_one_epoch(nodes);
  for (const Fault fault : {Fault::full, Fault::stays_full}) {
    for (uint64_t at = 0; at < calls; ++at) {
      const TempFolder folder;
      const FaultyDisk calm({});
      CheckpointedJob job(folder.path("c"), nodes, calm);
      job.whole_epoch();
      const FaultyDisk faulty({.at = at, .fault = fault});
      CheckpointOptions options = job.options;
      options.patience_seconds = 0.01;
      CheckpointedJob then(folder.path("c"), nodes, faulty, options);
      then.agenda = job.agenda;
      then.whole_epoch();
      const CheckpointTotals totals = then.checkpoints[0]->totals();
      const auto good = newest(folder.path("c"));
      ASSERT_TRUE(good) << at;
      expect_one_epoch(*good);
      // When no call goes well any more, not even what is given up can be removed.
      if (totals.written == 1 || fault == Fault::full) {
        EXPECT_EQ(good->manifest.epoch(), totals.written + 1) << at;
      }
      EXPECT_EQ(totals.written + totals.failed, 1U) << at;
      EXPECT_TRUE(totals.failed == 0 || !then.said.empty()) << at;
      for (const std::string& line : then.said) {
        EXPECT_TRUE(
            line.starts_with("the checkpoint of epoch 2 was not written, training goes on: "))
            << line;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Nodes, Crash, testing::Values(1U, 3U));

TEST(Checkpoint, One_that_is_damaged_is_told_in_a_line_and_the_one_before_it_is_taken) {
  const TempFolder folder;
  const std::string place = folder.path("c");
  CheckpointedJob job(place, 2);
  job.whole_epoch();
  job.whole_epoch();
  const std::string last = place + "/ckpt-000002";
  for (const std::string& name : names_in(last)) {
    const std::string path = last + "/" + name;
    const std::string whole = folder.read("c/ckpt-000002/" + name);
    const auto said = [&] {
      std::vector<std::string> lines;
      const auto good = newest_good(place, [&](const std::string& why) { lines.push_back(why); });
      EXPECT_TRUE(good && good->manifest.epoch() == 1) << name;
      EXPECT_EQ(lines.size(), 1U);
      return lines.empty() ? "" : lines[0];
    };
    for (const size_t at : {size_t{0}, whole.size() / 2, whole.size() - 1}) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ 4);
      folder.write("c/ckpt-000002/" + name, flipped);
      EXPECT_NE(said().find(path), std::string::npos) << said();
      folder.write("c/ckpt-000002/" + name, whole.substr(0, at));
      EXPECT_NE(said().find(path), std::string::npos) << said();
    }
    fs::remove(path);
    EXPECT_NE(said().find(name), std::string::npos) << said();
    folder.write("c/ckpt-000002/" + name, whole);
    EXPECT_EQ(newest(place)->manifest.epoch(), 2U);
  }
}

TEST(Checkpoint, A_node_that_does_not_write_its_part_is_named) {
  const TempFolder folder;
  const FaultyDisk dead({.at = 0, .fault = Fault::crash});
  CheckpointOptions options{.every = {.epochs = 1}, .patience_seconds = 0.05};
  CheckpointedJob job(folder.path("c"), 3, disk(), options);
  job.checkpoints[2] = std::make_unique<Checkpoints>(
      [&] {
        options.folder = folder.path("c");
        return options;
      }(),
      CheckpointedJob::about(), 0, [](Level, const std::string&) {}, dead);
  job.whole_epoch();
  ASSERT_EQ(job.said.size(), 1U);
  EXPECT_NE(job.said[0].find("node 2 has not written its part"), std::string::npos) << job.said[0];
  EXPECT_FALSE(newest(folder.path("c")));
}

}  // namespace
}  // namespace hemiola
