// Transcripts: each tests/scenarios/cluster_*.txt is a list of commands, each with what must come
// of it. With HEMIOLA_UPDATE_TRANSCRIPTS=1 the expected parts are written anew, to be reviewed.
//
//   # a comment
//   command arguments ...
//   ----
//   what happens
//                         (an empty line ends it)
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "hemiola/cluster/harness_test.h"

namespace hemiola {
namespace {

using Words = std::istringstream;

Duration duration(const std::string& text) {
  size_t used = 0;
  const double number = std::stod(text, &used);
  const std::string unit = text.substr(used);
  if (unit == "ms") return seconds(number / 1000);
  if (unit == "s") return seconds(number);
  throw std::runtime_error("a time is written 500ms or 2s, not " + text);
}

std::string rest(Words& words) {
  std::string text;
  std::getline(words >> std::ws, text);
  return text;
}

template <class T>
T word(Words& words) {
  T value{};
  if (!(words >> value)) throw std::runtime_error("a command lacks a word");
  return value;
}

class Scenario {
 public:
  // What comes of one command.
  std::string run(const std::string& line) {
    Words words(line);
    const std::string command = word<std::string>(words);
    if (command == "nodes") {
      const auto nodes = word<uint32_t>(words);
      const std::string with = word<std::string>(words);  // "workers"
      harness_ = std::make_unique<Harness>(nodes, word<uint32_t>(words));
      return with == "workers" ? "" : throw std::runtime_error("nodes N workers W");
    }
    if (!act(command, words) && !call(command, words)) {
      throw std::runtime_error("no such command: " + line);
    }
    return harness_->take_log();
  }

  const std::string& violation() const { return harness_->violation(); }

 private:
  bool act(const std::string& command, Words& words) {
    Harness& h = *harness_;
    if (command == "set") {
      const auto node = word<uint32_t>(words);
      set(h.options(node), words);
    } else if (command == "start") {
      uint32_t node = 0;
      if (!(words >> node)) {
        h.start_all();
        return true;
      }
      do {
        h.start(node);
      } while (words >> node);
    } else if (command == "deliver") {
      h.deliver_all();
    } else if (command == "tick") {
      h.advance(duration(word<std::string>(words)));
    } else if (command == "lose") {
      const auto node = word<uint32_t>(words);
      h.lose(node, rest(words));
    } else if (command == "cut") {
      const auto a = word<uint32_t>(words);
      const auto b = word<uint32_t>(words);
      h.cut(a, b, rest(words));
    } else if (command == "freeze") {
      h.freeze(word<uint32_t>(words));
    } else if (command == "thaw") {
      h.thaw(word<uint32_t>(words));
    } else if (command == "leave" || command == "end_early") {
      h.ask_leave(word<uint32_t>(words), command == "end_early");
    } else if (command == "quiet") {
      h.show_messages(false);
    } else if (command == "heartbeats") {
      h.show_heartbeats(true);
    } else {
      return false;
    }
    return true;
  }

  void set(ClusterOptions& o, Words& words) {
    const std::string key = word<std::string>(words);
    const std::string value = rest(words);
    if (key == "workers") {
      o.workers = static_cast<uint32_t>(std::stoul(value));
    } else if (key == "nodes") {
      o.nodes = static_cast<uint32_t>(std::stoul(value));
    } else if (key == "instance") {
      o.instance = std::stoull(value);
    } else if (key == "summary") {
      o.job_summary = value;
    } else if (key == "hash") {
      o.job_hash = std::stoull(value);
    } else if (key == "join_timeout") {
      o.join_timeout = duration(value);
    } else if (key == "on_silence") {
      o.on_silence = value == "end" ? OnSilence::end : OnSilence::wait;
    } else if (key == "silence_limit") {
      o.silence_limit = duration(value);
    } else {
      throw std::runtime_error("no such setting: " + key);
    }
  }

  bool call(const std::string& command, Words& words) {
    Harness& h = *harness_;
    if (command == "plan") {
      const auto rows = word<uint32_t>(words);
      const auto columns = word<uint32_t>(words);
      auto plan = std::make_shared<BlockPlan>();
      for (uint32_t b = 0; b < rows * columns; ++b)
        plan->blocks.push_back({10, b / columns, b % columns});
      plan_ = plan;
      return true;
    }
    const WorkerId worker{word<uint32_t>(words)};
    if (command == "next" || command == "next_fixed") {
      auto next = std::make_unique<NextBlock>();
      next->pass = word<uint32_t>(words);
      next->seed = 7;
      next->plan = plan_;
      next->fixed = command == "next_fixed";
      h.post(std::move(next), worker);
    } else if (command == "reduce") {
      auto reduce = std::make_unique<Reduce>();
      reduce->round = word<uint32_t>(words);
      for (double v; words >> v;) reduce->values.push_back(v);
      h.post(std::move(reduce), worker);
    } else if (command == "close" || command == "close_cut") {
      auto reduce = std::make_unique<Reduce>();
      reduce->round = word<uint32_t>(words);
      reduce->closes = word<uint32_t>(words);
      reduce->cut = command == "close_cut";
      h.post(std::move(reduce), worker);
    } else if (command == "finish") {
      h.post(std::make_unique<Finish>(), worker);
    } else if (command == "fail") {
      auto fail = std::make_unique<Fail>();
      fail->text = rest(words);
      h.post(std::move(fail), worker);
    } else {
      return false;
    }
    return true;
  }

  std::unique_ptr<Harness> harness_;
  std::shared_ptr<const BlockPlan> plan_;
};

// The transcript as it would be written now.
std::string replay(const std::string& transcript) {
  std::istringstream in(transcript);
  std::string out;
  Scenario scenario;
  std::string output;
  for (std::string line; std::getline(in, line);) {
    if (line == "----") {
      while (std::getline(in, line) && !line.empty()) {
      }
      out += "----\n" + std::exchange(output, {}) + "\n";
    } else {
      out += line + "\n";
      if (!line.empty() && line[0] != '#') output += scenario.run(line);
    }
  }
  EXPECT_EQ(scenario.violation(), "");
  return out;
}

std::string content(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(ClusterScenarios, Each_transcript_comes_out_as_it_is_written) {
  const bool update = std::getenv("HEMIOLA_UPDATE_TRANSCRIPTS") != nullptr;
  size_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(HEMIOLA_SCENARIOS)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("cluster_")) continue;
    ++found;
    SCOPED_TRACE(name);
    const std::string written = content(entry.path());
    const std::string now = replay(written);
    if (update) {
      std::ofstream(entry.path()) << now;
    } else {
      EXPECT_EQ(now, written);
    }
  }
  EXPECT_GE(found, 10u);
}

}  // namespace
}  // namespace hemiola
