#include "hemiola/train/node_life.h"

#include <utility>
#include <vector>

namespace hemiola {

NodeLife::NodeLife(const Job& job, const std::string& out, const LoadedTask& loaded,
                   const RunSettings& settings, const Sampling& sampling, NodeId self,
                   std::vector<CodecSpeed> speeds)
    : planned_workers(job.cluster.nodes * job.cluster.workers),
      job_(job),
      out_(out),
      loaded_(loaded),
      settings_(settings),
      sampling_(sampling),
      self_(self) {
  if (settings.throwing_node != self.value) settings_.cost.throws_at = 0;
  // A node that comes later has another rank, and makes its tables when it knows it.
  const Place place{self, job.cluster.nodes, job.cluster.workers};
  if (self.value < job.cluster.nodes) make_tables(place);
  replicas_ = replicas_for(job, loaded.task(), place, std::move(speeds));
}

void NodeLife::live_in(NodeCore& core) {
  core.on_renew([this, &core](const View& view) { renew(core, view); });
}

void NodeLife::make_tables(const Place& place) {
  const uint32_t copies =
      replicas_ || place.nodes == 1 ? 1 : static_cast<uint32_t>(*job_.sync.copies);
  tables_ =
      std::make_unique<TableSet>(table_options(job_, loaded_.task()), place, sampling_, copies);
}

void NodeLife::renew(NodeCore& core, const View& view) {
  const Place place{NodeId{*view.seat_of(self_)}, static_cast<uint32_t>(view.nodes()),
                    job_.cluster.workers, static_cast<uint32_t>(view.leaving.size())};
  const bool first = view.epoch == Epoch{1};
  if (!first && checkpoints) checkpoints->hurry();
  TableRestore restore;
  auto* table = static_cast<TableSurvivor*>(core.machine(MachineId::table));
  auto* average = dynamic_cast<AverageMachine*>(core.machine(MachineId::average));
  if (table && !replicas_) restore.salvage = table->salvage();
  if (average) average->settle_replicas();
  for (size_t i = 0; i < view_.parties(); ++i) {
    const Member& m = view_.party(i);
    const bool here = view.has(m.node, m.instance);
    restore.now.push_back(here ? std::optional(NodeId{*view.seat_of(m.node)}) : std::nullopt);
  }
  core.replace(MachineId::table, nullptr);
  row_source_ = !first && !replicas_ && lost_rows ? lost_rows() : nullptr;
  restore.lost_rows = row_source_.get();
  core.replace(MachineId::average, nullptr);
  if (share_) {
    earlier_ = std::move(share_->earlier);
    auto& tables = earlier_[0].tables.tables;
    tables.resize(tables_->size());
    for (uint32_t t = 0; t < tables.size(); ++t) {
      tables[t].moved_rows += tables_->moves(TableId{t}).moved;
    }
  }
  share_.reset();
  saver_.reset();
  const bool usable = first && tables_ && tables_->place().nodes == place.nodes &&
                      tables_->place().self == place.self;
  if (!usable) make_tables(place);
  if (place.leaves()) return leave(core, view, std::move(restore));
  auto rows = first || replicas_ ? std::make_unique<TableMachine>(*tables_)
                                 : std::make_unique<TableMachine>(*tables_, std::move(restore));
  if (first && resumed && !replicas_) {
    hemiola::restore(resumed->checkpoint, *tables_);
    rows->rows_were_loaded();
  }
  core.replace(MachineId::table, std::move(rows));
  if (replicas_) {
    replicas_->move_to(place);
    if (!first && view_.members.empty()) replicas_->set_knows_nothing(true);
    auto made = std::make_unique<AverageMachine>(*replicas_, !first);
    if (first && resumed) {
      hemiola::restore(resumed->checkpoint, resumed->plan.what, *replicas_, *made);
    }
    core.replace(MachineId::average, std::move(made));
  }
  view_ = view;
  make_share(place.self == NodeId{0});
}

// No worker runs here any more.
void NodeLife::leave(NodeCore& core, const View& view, TableRestore restore) {
  if (replicas_) {
    replicas_->move_to(tables_->place());
    core.replace(MachineId::table, std::make_unique<TableLeaver>(*tables_));
    core.replace(MachineId::average, std::make_unique<AverageLeaver>(*replicas_));
  } else {
    core.replace(MachineId::table, std::make_unique<TableLeaver>(*tables_, std::move(restore)));
  }
  view_ = view;
}

void NodeLife::make_share(bool leads) {
  share_ = std::make_unique<NodeShare>(loaded_.task(), *tables_, settings_, planned_workers);
  if (!earlier_.empty()) share_->earlier = std::move(earlier_);
  if (view_.epoch == Epoch{1}) {
    share_->first_pass = resumed ? resumed->checkpoint.manifest().agenda.pass() : 0;
  }
  saver_ = saver_for(job_, out_, loaded_, *tables_);
  share_->replicas = replicas_.get();
  share_->saver = saver_.get();
  share_->checkpoints = checkpoints;
  share_->counters = counters;
  if (leads && listener) share_->listener = listener();
}

}  // namespace hemiola
