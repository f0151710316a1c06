#include "hemiola/cluster/history.h"

#include <algorithm>
#include <span>

namespace hemiola {

void History::begun(const View& view, double paused, uint64_t blocks_again,
                    const RowsRecovered& rows) {
  const bool first = at_work_.empty();
  const auto in = [](const std::vector<Member>& members, const Process& p) {
    return std::any_of(members.begin(), members.end(), [&](const Member& m) {
      return m.node == p.node && m.instance == p.instance;
    });
  };
  uint32_t stayed = 0;
  for (const Process& p : at_work_) {
    const bool here = in(view.members, p);
    stayed += here ? 1 : 0;
    if (!here) ++(in(view.leaving, p) ? counts_.left : counts_.lost);
  }
  at_work_.clear();
  for (const Member& m : view.members) at_work_.push_back({m.node, 0, m.instance});
  if (first) return;
  ++counts_.changes;
  counts_.joined += static_cast<uint32_t>(view.nodes()) - stayed;
  counts_.paused += paused;
  counts_.longest_pause = std::max(counts_.longest_pause, paused);
  counts_.blocks_again += blocks_again;
  counts_.rows += rows;
}

void History::merge(const History& other) {
  const bool later = other.counts_.changes > counts_.changes;
  if (later || at_work_.empty()) *this = other;
}

void History::encode(Writer& out) const { out.put_all(std::span(at_work_)).put(counts_); }

History History::decode(Reader& in) {
  History history;
  history.at_work_ = in.get_all<Process>();
  history.counts_ = in.get<Counts>();
  return history;
}

}  // namespace hemiola
