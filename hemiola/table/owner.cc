#include "hemiola/table/owner.h"

#include <algorithm>
#include <tuple>

#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

// How far ahead rows are fetched into the cache when many are read or changed in one go.
constexpr size_t kAhead = 8;

void prefetch_row(const float* row, uint32_t length) {
  for (uint32_t at = 0; at < length; at += 16) __builtin_prefetch(row + at);
}

}  // namespace

Owner::Owner(TableSet& tables, Backups& backups)
    : tables_(tables),
      backups_(backups),
      holders_(tables.size()),
      words_((tables.place().nodes + 63) / 64),
      peers_(tables.place().nodes) {
  for (Peer& peer : peers_) peer.pending.resize(tables.size());
  for (uint32_t t = 0; t < tables.size(); ++t) {
    const Rows& rows = tables.rows(TableId{t});
    if (!rows.options().staleness.push || !rows.keeps_copies() || rows.adapts()) continue;
    const size_t bits = size_t{rows.partition().owned_by(tables.place().self)} * words_;
    holders_[t].subscribed.resize(bits);
    holders_[t].pending.resize(bits);
  }
}

bool Owner::valid(const PullBody& pull) const {
  if (pull.table.value >= tables_.size()) return false;
  const Rows& rows = tables_.rows(pull.table);
  if (rows.adapts()) return false;
  return std::all_of(pull.keys.begin(), pull.keys.end(), [&](Key key) {
    return key.value < rows.partition().rows() && rows.owns(key);
  });
}

void Owner::pull(NodeId from, PullBody pull, Outbox& out) {
  if (!valid(pull)) {
    out.say(Level::error, "dropped a request for rows that are not here");
  } else if (pull.needed > complete_) {
    waiting_.push_back({from, std::move(pull)});
  } else {
    answer(from, pull, out);
  }
}

void Owner::answer(NodeId from, const PullBody& pull, Outbox& out) {
  const Rows& rows = tables_.rows(pull.table);
  const uint32_t length = rows.row_length();
  Holders& holders = holders_[pull.table.value];
  const RowForm& form = rows.read_form();
  const size_t bytes = form.bytes() * pull.keys.size();
  Writer writer(sizeof(RowsHead) + bytes);
  writer.put(RowsHead{pull.request, complete_, peers_[from.value].received});
  std::byte* to = writer.skip(bytes);
  for (size_t i = 0; i < pull.keys.size(); ++i, to += form.bytes()) {
    if (i + kAhead < pull.keys.size()) {
      prefetch_row(rows.owned(rows.partition().index(pull.keys[i + kAhead])), length);
    }
    const uint32_t index = rows.partition().index(pull.keys[i]);
    packer_.put(form, rows.owned(index), to);
    if (pull.subscribe && !holders.subscribed.empty()) {
      holders.subscribed[index * words_ + from.value / 64] |= uint64_t{1} << (from.value % 64);
    }
  }
  peers_[from.value].unacked = 0;
  out.send(from, Kind::rows, std::move(writer).take());
}

void Owner::unsubscribe(NodeId from, const PullBody& keys) {
  if (!valid(keys) || holders_[keys.table.value].subscribed.empty()) return;
  const Partition& partition = tables_.rows(keys.table).partition();
  for (const Key key : keys.keys) {
    uint64_t& word =
        holders_[keys.table.value].subscribed[partition.index(key) * words_ + from.value / 64];
    word &= ~(uint64_t{1} << (from.value % 64));
  }
}

void Owner::update(NodeId from, const Bytes& body, Outbox& out) {
  Reader reader(body);
  const auto head = reader.get<UpdateHead>();
  if (!reader.ok() || head.table.value >= tables_.size()) {
    out.say(Level::error, "dropped an update that cannot be read");
    return;
  }
  Peer& peer = peers_[from.value];
  const TableOptions& options = tables_.rows(head.table).options();
  // After a gap (a link was lost) the sender sends again from the first that is missing.
  if (head.batch.value > peer.received.value + 1) return;
  const bool repeat = head.batch <= peer.received;
  peer.received = std::max(peer.received, head.batch);
  const bool lost = options.sabotage == Sabotage::acked_but_lost && head.batch.value % 7 == 3;
  if ((!repeat || options.sabotage == Sabotage::applied_twice) && !lost) {
    if (options.staleness.strict) {
      held_back_.push_back({head, body});
    } else {
      apply(from, head, body);
    }
  }
  if (++peer.unacked >= kBatchesUnacked || repeat) acknowledge(from, 0, 0, out);
}

void Owner::apply(NodeId from, const UpdateHead& head, const Bytes& body) {
  const Rows& rows = tables_.rows(head.table);
  Reader reader(body);
  reader.get<UpdateHead>();
  auto records = RowRecords::read(reader, rows.update_form(head.packed != 0));
  if (!records) return;
  const auto add = vec().add;
  for (size_t i = 0; i < records->count(); ++i) {
    if (i + kAhead < records->count()) {
      const Key next = records->key(i + kAhead);
      if (next.value < rows.partition().rows() && rows.owns(next)) {
        prefetch_row(rows.owned(rows.partition().index(next)), rows.row_length());
      }
    }
    const Key key = records->key(i);
    if (key.value >= rows.partition().rows() || !rows.owns(key)) continue;
    float* row = rows.owned(rows.partition().index(key));
    {
      LatchGuard guard(rows.latches(), row);
      add(row, records->row(i), rows.row_length());
    }
    if (from != tables_.place().self) backups_.added(head.table, key, {from, head.batch.value});
    changed(head.table, key, from);
  }
}

// The order is that of clocks, workers and batches, whatever the order of arrival.
bool Owner::holds_back_own(uint32_t through) const {
  const auto own = [&](const HeldBack& b) {
    const bool here = tables_.place().node_of(b.head.worker) == tables_.place().self;
    return here && static_cast<int32_t>(b.head.batch.value - through) <= 0;
  };
  return std::any_of(held_back_.begin(), held_back_.end(), own);
}

void Owner::apply_held_back(Clock below) {
  const auto due = [&](const HeldBack& b) { return b.head.clock < below; };
  const auto later = std::stable_partition(held_back_.begin(), held_back_.end(), due);
  std::sort(held_back_.begin(), later, [](const HeldBack& a, const HeldBack& b) {
    return std::tie(a.head.clock, a.head.worker, a.head.batch) <
           std::tie(b.head.clock, b.head.worker, b.head.batch);
  });
  for (auto it = held_back_.begin(); it != later; ++it) {
    apply(tables_.place().node_of(it->head.worker), it->head, it->body);
  }
  held_back_.erase(held_back_.begin(), later);
}

// The one who made the change has it already.
void Owner::changed(TableId table, Key key, NodeId by) {
  backups_.changed(table, key);
  Holders& holders = holders_[table.value];
  if (holders.subscribed.empty()) return;
  const uint32_t index = tables_.rows(table).partition().index(key);
  for (size_t w = 0; w < words_; ++w) {
    uint64_t news = holders.subscribed[index * words_ + w] & ~holders.pending[index * words_ + w];
    if (by.value / 64 == w) news &= ~(uint64_t{1} << (by.value % 64));
    holders.pending[index * words_ + w] |= news;
    for (; news != 0; news &= news - 1) {
      const auto node = w * 64 + static_cast<size_t>(__builtin_ctzll(news));
      peers_[node].pending[table.value].push_back(index);
    }
  }
}

void Owner::advance(Clock complete, Outbox& out) {
  complete_ = complete;
  apply_held_back(complete);
  std::vector<Waiting> ready;
  std::erase_if(waiting_, [&](Waiting& w) {
    if (w.pull.needed > complete_) return false;
    ready.push_back(std::move(w));
    return true;
  });
  for (const Waiting& w : ready) answer(w.from, w.pull, out);
  if (!tables_.any_push()) return;
  for (uint32_t n = 0; n < peers_.size(); ++n) {
    if (NodeId{n} != tables_.place().self) refresh(NodeId{n}, out);
  }
}

void Owner::peer_ticked(NodeId peer, Outbox& out) {
  if (tables_.any_async()) refresh(peer, out);
}

void Owner::refresh(NodeId to, Outbox& out) {
  Peer& peer = peers_[to.value];
  peer.owes = peer.open.size() >= kRoundsOpen;
  if (!peer.owes) send_round(to, peer.rounds, out);
}

// Sends what is pending; `after`: the round since which it has all changes.
void Owner::send_round(NodeId to, uint32_t after, Outbox& out) {
  Peer& peer = peers_[to.value];
  for (uint32_t t = 0; t < peer.pending.size(); ++t) {
    for (const uint32_t index : peer.pending[t]) {
      holders_[t].pending[index * words_ + to.value / 64] &= ~(uint64_t{1} << (to.value % 64));
    }
    if (!peer.pending[t].empty()) send_rows(to, TableId{t}, peer.pending[t], out);
  }
  peer.open.push_back({++peer.rounds, std::move(peer.pending)});
  peer.pending.assign(tables_.size(), {});
  acknowledge(to, peer.rounds, after, out);
}

void Owner::send_rows(NodeId to, TableId table, const std::vector<uint32_t>& list, Outbox& out) {
  const Rows& rows = tables_.rows(table);
  const Holders& holders = holders_[table.value];
  const RowForm& form = rows.read_form();
  const size_t record = RowRecords::size_of(form);
  const size_t per_message = std::max<size_t>(1, kChunkBytes / record);
  for (size_t from = 0; from < list.size(); from += per_message) {
    const size_t end = std::min(list.size(), from + per_message);
    Writer writer(sizeof(RefreshHead) + (end - from) * record);
    writer.put(RefreshHead{table, peers_[to.value].received});
    for (size_t i = from; i < end; ++i) {
      if (i + kAhead < end) prefetch_row(rows.owned(list[i + kAhead]), rows.row_length());
      const uint64_t word = holders.subscribed[list[i] * words_ + to.value / 64];
      if ((word >> (to.value % 64) & 1) == 0) continue;  // dropped since it changed
      writer.put(rows.partition().key(tables_.place().self, list[i]));
      packer_.put(form, rows.owned(list[i]), writer.skip(form.bytes()));
    }
    out.send(to, Kind::refresh, std::move(writer).take());
  }
}

void Owner::acknowledge(NodeId to, uint32_t round, uint32_t after, Outbox& out) {
  peers_[to.value].unacked = 0;
  out.send(to, Kind::applied,
           encode_head(AppliedBody{peers_[to.value].received, complete_, round, after, 0}));
}

void Owner::peer_took_in(NodeId node, uint32_t round, Outbox& out) {
  Peer& peer = peers_[node.value];
  peer.taken = std::max(peer.taken, round);
  while (!peer.open.empty() && peer.open.front().number <= round) peer.open.pop_front();
  if (peer.owes) refresh(node, out);
}

void Owner::link_lost(NodeId peer) {
  std::erase_if(waiting_, [&](const Waiting& w) { return w.from == peer; });
}

// What was sent and not taken in may be lost: those rows are sent again, as they are now.
void Owner::link_again(NodeId node, Outbox& out) {
  Peer& peer = peers_[node.value];
  for (const Round& round : peer.open) {
    for (uint32_t t = 0; t < round.rows.size(); ++t) {
      for (const uint32_t index : round.rows[t]) {
        uint64_t& word = holders_[t].pending[index * words_ + node.value / 64];
        const uint64_t bit = uint64_t{1} << (node.value % 64);
        if ((word & bit) == 0) peer.pending[t].push_back(index);
        word |= bit;
      }
    }
  }
  peer.open.clear();
  if (tables_.any_push()) {
    send_round(node, peer.taken, out);
  } else {
    acknowledge(node, 0, 0, out);
  }
}

}  // namespace hemiola
