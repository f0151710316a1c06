#include "hemiola/train/shared_state.h"

#include <algorithm>
#include <utility>

#include "hemiola/average/calls.h"
#include "hemiola/models/local_parameters.h"
#include "hemiola/train/table_parameters.h"

namespace hemiola {
namespace {

class SharedTables final : public SharedState {
 public:
  SharedTables(TableSet& tables, WorkerPort& port, const StepCost& cost,
               std::function<void(size_t)> after_step)
      : client_(tables, port), params_(client_, port, cost, std::move(after_step)) {}

  Parameters& training() override { return params_; }
  Parameters& evaluation() override { return params_; }
  void begin() override { client_.barrier(); }
  void begin_pass(uint32_t pass) override { client_.begin_pass(pass); }
  void end_pass() override { client_.barrier(); }
  uint64_t secure(bool wait) override { return client_.secure(wait); }
  uint64_t secured() const override { return client_.safe_point(); }
  void hand_over() override {}

  std::vector<TableStats> stats() const override { return client_.stats(); }
  Duration waited() const override {
    Duration sum;
    for (const TableStats& t : client_.stats()) sum = sum + t.wait_rows + t.wait_clock;
    return sum;
  }
  Duration averaged() const override { return {}; }
  Duration stalled() const override { return params_.stalled(); }

 private:
  Client client_;
  TableParameters params_;
};

LocalTables tables_in(float* replica, const ReplicaLayout& layout) {
  std::vector<Parameters::Direct> rows;
  for (uint32_t t = 0; t < layout.tables().size(); ++t) {
    rows.push_back({replica + layout.table_at(TableId{t}), layout.stride(TableId{t})});
  }
  return {layout.tables(), rows};
}

// A replica to train in: the worker averages at the end of each step.
class ReplicaParameters final : public LocalParameters {
 public:
  ReplicaParameters(LocalTables& tables, const Task& task, uint64_t seed, WorkerPort& port,
                    const StepCost& cost, std::function<void(size_t)> after_step)
      : LocalParameters(tables, task.samplers(), seed),
        port_(port),
        pace_(port, cost, std::move(after_step)) {}

  void step(size_t examples) override {
    pace_.step(examples);
    averaged_ = averaged_ + timed(step_);
    delays_.add(step_.delay);
    gaps_.held += step_.held ? 1 : 0;
    gaps_.passed_over += step_.passed_over;
  }

  template <class C>
  Duration timed(C& call) {
    const Instant start = port_.now();
    call.done.store(0, std::memory_order_relaxed);
    port_.call(call);
    return port_.now() - start;
  }

  Duration averaged() const { return averaged_; }
  const DelayHistogram& delays() const { return delays_; }
  const GapCounts& gaps() const { return gaps_; }
  Duration stalled() const { return pace_.stalled(); }

 private:
  WorkerPort& port_;
  StepPace pace_;
  StepCall step_;
  Duration averaged_;
  DelayHistogram delays_;
  GapCounts gaps_;
};

class SharedReplicas final : public SharedState {
 public:
  SharedReplicas(ReplicaSet& replicas, TableSet& tables, const Task& task, WorkerPort& port,
                 const StepCost& cost, std::function<void(size_t)> after_step)
      : replicas_(replicas),
        tables_(tables),
        port_(port),
        own_(tables_in(replicas.of(port.worker()).rows(), replicas.layout())),
        mean_(tables_in(replicas.mean(), replicas.layout())),
        training_(own_, task, seed(0), port, cost, std::move(after_step)),
        evaluation_(mean_) {}

  Parameters& training() override { return training_; }
  Parameters& evaluation() override { return evaluation_; }
  void begin() override { at_rest_ = at_rest_ + training_.timed(rest_); }
  void begin_pass(uint32_t pass) override {
    if (pass > 0) training_.draw_anew(seed(pass));
  }
  void end_pass() override {
    begin();
    averaging_ = averaging_ + training_.timed(taking_);
  }

  void hand_over() override {
    if (port_.worker() != replicas_.place().first_worker()) return;
    for (uint32_t t = 0; t < tables_.size(); ++t) {
      const Rows& rows = tables_.rows(TableId{t});
      const uint32_t values = rows.options().spec.values();
      const NodeId self = replicas_.place().self;
      for (uint32_t i = 0; i < rows.partition().owned_by(self); ++i) {
        const float* from = mean_.row(TableId{t}, rows.partition().key(self, i)).data();
        std::copy_n(from, values, rows.owned(i));
      }
    }
  }

  std::vector<TableStats> stats() const override { return std::vector<TableStats>(tables_.size()); }
  Duration waited() const override { return averaged() + at_rest_; }
  Duration averaged() const override { return training_.averaged() + averaging_; }
  Duration stalled() const override { return training_.stalled(); }
  Spread spread() const override { return {taking_.distance2, taking_.norm2}; }
  std::optional<uint64_t> fingerprint() const override {
    if (replicas_.options().rule.kind != AverageRule::Kind::allreduce) return {};
    return taking_.fingerprint;
  }
  DelayHistogram delays() const override { return training_.delays(); }
  GapCounts gaps() const override { return training_.gaps(); }
  std::string codec_note() const override { return taking_.codec_note; }
  std::map<std::string, uint64_t> rounds() const override { return taking_.reasons; }

 private:
  uint64_t seed(uint32_t pass) const {
    const uint64_t first = mix(replicas_.options().seed, port_.worker().value, 0x5a3);
    return pass == 0 ? first : mix(first, pass);
  }

  ReplicaSet& replicas_;
  TableSet& tables_;
  WorkerPort& port_;
  LocalTables own_, mean_;
  ReplicaParameters training_;
  LocalParameters evaluation_;
  RestCall rest_;
  MeanCall taking_;
  Duration at_rest_, averaging_;
};

}  // namespace

std::unique_ptr<SharedState> shared_tables(TableSet& tables, WorkerPort& port, const StepCost& cost,
                                           std::function<void(size_t)> after_step) {
  return std::make_unique<SharedTables>(tables, port, cost, std::move(after_step));
}

std::unique_ptr<SharedState> shared_replicas(ReplicaSet& replicas, TableSet& tables,
                                             const Task& task, WorkerPort& port,
                                             const StepCost& cost,
                                             std::function<void(size_t)> after_step) {
  return std::make_unique<SharedReplicas>(replicas, tables, task, port, cost,
                                          std::move(after_step));
}

}  // namespace hemiola
