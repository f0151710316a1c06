#include "hemiola/train/command_line.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

std::variant<Command, Stop> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "hemiola");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

TEST(CommandLine, A_training_run_is_understood_in_any_order) {
  const auto parsed = parse({"train", "--quiet", "job.toml", "sync.scheme=ssp(3)", "--nodes", "4",
                             "train.epochs=2", "--out", "runs/x", "--workers", "2"});
  const Command& c = std::get<Command>(parsed);
  EXPECT_EQ(c.verb, Verb::train);
  EXPECT_EQ(c.job_file, "job.toml");
  EXPECT_EQ(c.flags.out, "runs/x");
  EXPECT_TRUE(c.flags.quiet);
  EXPECT_EQ(c.overrides, (std::vector<std::string>{"sync.scheme=ssp(3)", "train.epochs=2",
                                                   "cluster.nodes=4", "cluster.workers=2"}));
}

TEST(CommandLine, A_run_is_resumed_from_its_own_folder_or_from_another) {
  const Command begun = std::get<Command>(parse({"train", "job.toml"}));
  EXPECT_FALSE(begun.resuming.asked);
  const Command own = std::get<Command>(parse({"train", "job.toml", "--resume"}));
  EXPECT_TRUE(own.resuming.asked);
  EXPECT_EQ(own.resuming.from, "");
  const Command other = std::get<Command>(parse({"train", "--resume", "runs/x", "job.toml"}));
  EXPECT_EQ(other.resuming.from, "runs/x");
  EXPECT_EQ(other.job_file, "job.toml");
  // What follows is a setting, not a folder.
  const Command more =
      std::get<Command>(parse({"train", "job.toml", "--resume", "train.epochs=9"}));
  EXPECT_TRUE(more.resuming.asked);
  EXPECT_EQ(more.resuming.from, "");
  EXPECT_EQ(more.overrides, std::vector<std::string>{"train.epochs=9"});
}

TEST(CommandLine, Checkpoints_are_listed) {
  const Command c = std::get<Command>(parse({"inspect", "runs/x", "--fast"}));
  EXPECT_EQ(c.verb, Verb::inspect);
  EXPECT_EQ(c.inspecting.folder, "runs/x");
  EXPECT_TRUE(c.inspecting.fast);
}

TEST(CommandLine, A_data_set_is_named_or_all_are_listed) {
  const auto named = parse({"data", "wordnet", "--out", "x", "--seed", "3"});
  EXPECT_EQ(std::get<Command>(named).verb, Verb::data);
  EXPECT_EQ(std::get<Command>(named).data.name, "wordnet");
  EXPECT_EQ(std::get<Command>(named).data.out, "x");
  EXPECT_EQ(std::get<Command>(named).data.seed, 3u);
  EXPECT_EQ(std::get<Command>(parse({"data"})).data.name, "");
}

TEST(CommandLine, The_simulated_world_has_flags) {
  const auto parsed = parse({"sim", "job.toml", "--latency", "1ms", "--bandwidth", "1Gbit",
                             "--slow-node", "3:6x", "--slow-node", "1:2", "--cost-per-example",
                             "0.5ns", "--stall-chance", "0.1", "--spread", "0.3"});
  const Flags& f = std::get<Command>(parsed).flags;
  EXPECT_EQ(f.latency.ns, 1'000'000);
  EXPECT_DOUBLE_EQ(f.bandwidth_bytes_per_second, 1.25e8);
  EXPECT_EQ(f.spread, 0.3);
  ASSERT_EQ(f.slow_nodes.size(), 2u);
  EXPECT_EQ(f.slow_nodes[0].first, 3u);
  EXPECT_EQ(f.ns_per_example, 0.5);
  EXPECT_EQ(f.stall_chance, 0.1);
}

TEST(CommandLine, Words_that_make_no_sense_end_with_status_2_and_a_hint) {
  for (const auto& words :
       std::vector<std::vector<const char*>>{{},
                                             {"trian"},
                                             {"train"},
                                             {"train", "a.toml", "--nodes", "x"},
                                             {"train", "--bad"},
                                             {"sim", "a.toml", "--stall-chance", "2"}}) {
    const auto parsed = parse(words);
    ASSERT_TRUE(std::holds_alternative<Stop>(parsed));
    EXPECT_EQ(std::get<Stop>(parsed).status, 2);
  }
  EXPECT_EQ(std::get<Stop>(parse({"trian"})).text,
            "hemiola: unknown command `trian`: did you mean `train`?\n");
  EXPECT_EQ(std::get<Stop>(parse({"dance"})).text,
            "hemiola: unknown command `dance`; there are train, run, join, leave, sim, "
            "calibrate, options, data, export, predict and inspect\n");
}

TEST(CommandLine, Help_and_version_are_no_mistakes) {
  EXPECT_EQ(std::get<Stop>(parse({"--help"})).status, 0);
  EXPECT_EQ(std::get<Stop>(parse({"--version"})).text.substr(0, 8), "hemiola ");
  const std::string help = std::get<Stop>(parse({"train", "--help"})).text;
  EXPECT_NE(help.find("--nodes"), std::string::npos);
  EXPECT_EQ(std::get<Stop>(parse({"--help"})).text.find("node "), std::string::npos);
}

TEST(CommandLine, A_value_with_a_wrong_unit_names_its_flag) {
  EXPECT_THROW(parse({"sim", "a.toml", "--latency", "5"}), UserError);
}

}  // namespace
}  // namespace hemiola
