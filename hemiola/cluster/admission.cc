#include "hemiola/cluster/admission.h"

#include <sstream>
#include <string_view>

#include "hemiola/cluster/why.h"

namespace hemiola {
namespace {

using Settings = std::map<std::string, std::string>;  // key → its whole line

Settings settings_of(const std::string& summary) {
  Settings settings;
  std::istringstream lines(summary);
  for (std::string line; std::getline(lines, line);) {
    std::string key = line.substr(0, line.find('='));
    key.erase(key.find_last_not_of(' ') + 1);
    settings[key] = line;
  }
  return settings;
}

}  // namespace

std::string difference(const std::string& there, const std::string& here) {
  const Settings theirs = settings_of(there);
  const Settings ours = settings_of(here);
  Settings keys = theirs;
  keys.insert(ours.begin(), ours.end());
  std::string text;
  size_t more = 0;
  for (const auto& [key, line] : keys) {
    const auto a = theirs.find(key);
    const auto b = ours.find(key);
    const std::string x = a == theirs.end() ? "no " + key : a->second;
    const std::string y = b == ours.end() ? "no " + key : b->second;
    if (x == y) continue;
    if (text.empty()) {
      text = x + " there and " + y + " here";
    } else {
      ++more;
    }
  }
  if (more > 0) text += ", and " + std::to_string(more) + " more";
  return text;
}

std::optional<std::string> refusal(const ClusterOptions& here, NodeId from, const Join& join,
                                   const std::map<NodeId, Join>& joined) {
  const std::string who = name_of(from);
  if (join.version != kWireVersion) {
    return who + " speaks version " + std::to_string(join.version) + " and node 0 version " +
           std::to_string(kWireVersion) + ": run the same Hemiola on all nodes";
  }
  if (join.rank != from) {
    return who + " says that it is " + name_of(join.rank) + ": a mix-up of ranks";
  }
  if (join.nodes != here.nodes) {
    return who + " expects " + std::to_string(join.nodes) + " nodes and node 0 expects " +
           std::to_string(here.nodes) + ": start all of them with the same cluster.nodes";
  }
  if (join.rank.value >= most_nodes(here)) {
    return "there is no " + who + " in a job of " + std::to_string(most_nodes(here)) +
           " nodes: ranks count from 0";
  }
  if (const std::string what = difference(join.job_summary, here.job_summary); !what.empty()) {
    return who + " runs another job: " + what;
  }
  if (join.job_hash != here.job_hash) {
    return who + " runs another job: its job file or data differ from those of node 0";
  }
  if (join.workers == 0 || join.workers > 65536) {
    return who + " has " + std::to_string(join.workers) + " workers: 1 to 65536 are possible";
  }
  if (join.nodes > 1 && join.address.empty()) return who + " has no address for its peers";
  const auto holder = joined.find(join.rank);
  if (holder != joined.end() && holder->second.instance != join.instance) {
    return "two processes claim to be " + who + ": the one at " + holder->second.address +
           " was first, the one at " + join.address + " is refused";
  }
  return std::nullopt;
}

}  // namespace hemiola
