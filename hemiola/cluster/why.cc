#include "hemiola/cluster/why.h"

#include <algorithm>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr size_t kNamed = 4;  // a line names at most so many, and counts the others

// "a", "a and b", "a, b and c"
std::string listed(const std::vector<std::string>& parts) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += i + 1 == parts.size() ? " and " : ", ";
    text += parts[i];
  }
  return text;
}

template <class T>
std::string numbers(const char* one, const char* many, std::span<const T> ids, size_t more = 0) {
  std::vector<std::string> parts;
  for (const T id : ids) parts.push_back(std::to_string(id.value));
  if (more > 0) parts.push_back(std::to_string(more) + " more");
  return std::string(ids.size() == 1 && more == 0 ? one : many) + " " + listed(parts);
}

}  // namespace

std::string text_of(Duration d) {
  const int64_t tenths = (d.ns + 50'000'000) / 100'000'000;
  std::string text = std::to_string(tenths / 10);
  if (tenths % 10 != 0) text.append(".").append(std::to_string(tenths % 10));
  return text + " s";
}

std::string name_of(NodeId node) { return "node " + std::to_string(node.value); }

std::string names_of(std::span<const NodeId> nodes) {
  const size_t named = std::min(nodes.size(), kNamed);
  return numbers("node", "nodes", nodes.first(named), nodes.size() - named);
}

std::string names_of(std::span<const WorkerId> workers, const View& view) {
  const size_t named = std::min(workers.size(), kNamed);
  std::vector<std::string> parts;
  for (size_t i = 0; i < named;) {
    const NodeId node = node_of(workers[i], view);
    size_t end = i + 1;
    while (end < named && node_of(workers[end], view) == node) ++end;
    parts.push_back(numbers("worker", "workers", workers.subspan(i, end - i)) + " on " +
                    name_of(node));
    i = end;
  }
  if (workers.size() > named) parts.push_back(std::to_string(workers.size() - named) + " more");
  return listed(parts);
}

NodeId node_of(WorkerId worker, const View& view) {
  const auto after =
      std::upper_bound(view.members.begin(), view.members.end(), worker,
                       [](WorkerId w, const Member& m) { return w.value < m.first_worker.value; });
  HEMIOLA_CHECK(after != view.members.begin());
  const Member& m = *(after - 1);
  HEMIOLA_CHECK(worker.value - m.first_worker.value < m.workers);
  return m.node;
}

}  // namespace hemiola
