#include "hemiola/train/worker.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "hemiola/cluster/calls.h"
#include "hemiola/core/check.h"
#include "hemiola/core/random.h"

namespace hemiola {
namespace {

class Worker {
 public:
  Worker(WorkerPort& port, NodeShare& share)
      : port_(port), share_(share), state_(make_state([this](size_t n) { after_step(n); })) {
    next_.fixed = share.settings.fixed_blocks;
  }

  // Passes 2 e and 2 e + 1 of the job are the training and the evaluation of epoch e.
  void run() {
    begun_ = port_.now();
    totals_ = std::move(ask(begin_).totals);
    first_epoch_ = static_cast<uint32_t>(totals_.size() / 2);
    refuse_other_start();
    if (is_first() && share_.listener) {
      share_.listener->done_before(records());
    }
    state_->begin();
    // Nobody takes a first step while others still count as at rest.
    if (share_.replicas) sum({});
    trained_from_ = port_.now();
    const size_t passes = 2 * size_t{share_.settings.epochs};
    for (size_t pass = totals_.size(); pass < passes && !reduce_.winds_up; ++pass) {
      epoch_ = static_cast<uint32_t>(pass / 2);
      if (pass % 2 == 0) {
        train();
      } else {
        evaluate();
      }
    }
    report_totals();
    if (share_.saver) {
      state_->hand_over();
      save(*share_.saver);
    }
    Finish finish;
    port_.call(finish);
  }

  // What it has counted under this view; without waits for rows, which its tables have, and rows
  // that moved, which its node has.
  WorkerTotals spent() {
    WorkerTotals own;
    own.tables.tables = state_->stats();
    own.time.compute = std::max(0.0, since(begun_) - (idle_ + evaluating_ + blocked()).seconds());
    own.time.evaluate = evaluating_.seconds();
    own.time.average = state_->averaged().seconds();
    own.time.idle = (idle_ + state_->stalled() + at_rest()).seconds();
    own.delays = state_->delays();
    own.gaps = state_->gaps();
    own.rounds = state_->rounds();
    return own;
  }

  // Before the next view.
  void keep_spent() {
    WorkerTotals own = spent();
    own.add_earlier(earlier());
    earlier() = std::move(own);
  }

 private:
  bool is_first() const { return port_.worker().value == 0; }
  // For its node.
  bool speaks() const { return port_.worker() == share_.tables.place().first_worker(); }
  WorkerTotals& earlier() {
    return share_.earlier[port_.worker().value - share_.tables.place().first_worker().value];
  }
  uint32_t workers() const { return share_.tables.place().workers(); }
  double since(Instant start) { return (port_.now() - start).seconds(); }

  // A call to the cluster; the time counts as idle.
  template <class C>
  C& ask(C& call) {
    const Instant start = port_.now();
    static_cast<Call&>(call).done.store(0, std::memory_order_relaxed);
    port_.call(call);
    idle_ = idle_ + (port_.now() - start);
    return call;
  }

  // All workers' values, added up.
  std::vector<double> sum(std::vector<double> values) {
    reduce_.values = std::move(values);
    ask(reduce_);
    ++reduce_.round;
    return std::move(reduce_.values);
  }

  void ask_for(uint32_t pass, const std::shared_ptr<const BlockPlan>& plan) {
    next_.pass = pass;
    next_.plan = plan;
    next_.seed = mix(share_.settings.seed, epoch_);
  }

  std::optional<uint32_t> next_block() {
    next_.done = take_secured();
    ask(next_);
    reduce_.cut = reduce_.cut || next_.cut;
    return next_.block;
  }

  // What was done and would not be lost with this node: that need not be done again.
  std::vector<BlockDone> take_secured() {
    std::vector<BlockDone> blocks;
    for (const uint64_t secured = state_->secured();
         !done_.empty() && done_.front().point <= secured; done_.pop_front()) {
      blocks.push_back(std::move(done_.front().block));
    }
    return blocks;
  }

  // Ends the pass with `values` of this worker, which are added up over all. False: the job is to
  // end, and nobody does the rest of the pass.
  bool close(std::vector<double> values) {
    if (!done_.empty()) state_->secure(true);
    reduce_.closes = next_.pass;
    reduce_.done = take_secured();
    HEMIOLA_CHECK(done_.empty());
    sum(std::move(values));
    reduce_.cut = false;
    if (!std::exchange(reduce_.closes, std::nullopt)) return false;
    totals_.push_back(std::move(reduce_.totals));
    return true;
  }

  void train() {
    epoch_loss_ = {};
    state_->begin_pass(epoch_);
    ask_for(2 * epoch_, share_.plan);
    auto block = next_block();
    while (block) {
      const bool ahead = share_.task.looks_ahead();
      const auto after = ahead ? next_block() : std::nullopt;
      const Instant start = port_.now();
      const Duration waited = blocked();
      const LossSum loss = share_.task.train({*block, epoch_, after}, state_->training());
      const auto point = state_->secure(false);
      done_.push_back({{*block, {loss.sum, static_cast<double>(loss.examples)}}, point});
      block = ahead ? after : next_block();
      epoch_loss_.sum += loss.sum;
      epoch_loss_.examples += loss.examples;
      const Duration busy = (port_.now() - start) - (blocked() - waited);
      if (loss.examples > 0) {
        block_costs_.push_back(static_cast<double>(busy.ns) / loss.examples);
      }
    }
    state_->end_pass();
    refuse_unlike_replicas();
    const auto [distance2, mean2] = state_->spread();
    if (close({distance2, mean2, 1})) refuse_divergence(record_of(epoch_));
  }

  void evaluate() {
    ask_for(2 * epoch_ + 1, share_.evaluation_plan);
    const Instant start = port_.now();
    const Duration waited = blocked();
    const Duration idle = idle_;
    while (is_due(epoch_)) {
      const auto part = next_block();
      if (!part) break;
      std::vector<double> sums(share_.task.metric_sums());
      share_.task.evaluate(*part, state_->evaluation(), sums);
      done_.push_back({{*part, std::move(sums)}, 0});
    }
    evaluating_ = evaluating_ + (port_.now() - start) - (blocked() - waited) - (idle_ - idle);
    if (!close({})) return;
    if (is_first() && share_.listener) share_.listener->epoch(record_of(epoch_));
    if (share_.checkpoints) checkpoint(*share_.checkpoints);
  }

  void checkpoint(Checkpoints& checkpoints) {
    const Checkpoints::Point point{.passes = totals_,
                                   .elapsed = totals_.back().ended,
                                   .last = is_last(epoch_) || reduce_.winds_up,
                                   .tables = share_.tables,
                                   .replicas = share_.replicas,
                                   .examples = share_.examples_per_epoch,
                                   .epochs = [this] { return records(); }};
    const Instant start = port_.now();
    const Duration idle = idle_;
    checkpoints.at(point, port_, [this](std::vector<double> v) { return sum(std::move(v)); });
    idle_ = idle + (port_.now() - start);
  }

  std::vector<EpochRecord> records() const {
    std::vector<EpochRecord> done;
    for (uint32_t e = 0; e < totals_.size() / 2; ++e) done.push_back(record_of(e));
    return done;
  }

  // REQUIRES: its training is in totals_; with its evaluation it is whole.
  EpochRecord record_of(uint32_t epoch) const {
    const PassTotals& trained = totals_[2 * size_t{epoch}];
    EpochRecord record;
    record.epoch = epoch + 1;
    const auto at = [](const std::vector<double>& v, size_t i) { return i < v.size() ? v[i] : 0; };
    const double examples = at(trained.blocks, 1);
    record.loss = examples > 0 ? at(trained.blocks, 0) / examples : 0;
    record.samples = static_cast<uint64_t>(examples);
    record.seconds = trained.ended - (epoch == 0 ? 0 : totals_[2 * size_t{epoch} - 1].ended);
    record.elapsed = trained.ended;
    if (share_.replicas) {
      // Each worker brought its distance, and the mean's length, which is the same to all.
      const double workers = std::max(1.0, at(trained.reduced, 2));
      const double length2 = std::max(at(trained.reduced, 1) / workers, 1e-30);
      record.spread = std::sqrt(at(trained.reduced, 0) / workers / length2);
    }
    if (2 * size_t{epoch} + 1 >= totals_.size()) return record;
    const PassTotals& evaluated = totals_[2 * size_t{epoch} + 1];
    record.elapsed = evaluated.ended;
    if (!is_due(epoch)) return record;
    std::vector<double> sums = evaluated.blocks;
    sums.resize(share_.task.metric_sums());
    record.metrics = share_.task.metrics(sums);
    return record;
  }

  // Of an example, in nanoseconds: the median of this worker's blocks, which the load that others
  // put on the computer hardly changes.
  double typical_cost() {
    if (block_costs_.empty()) return 0;
    const auto middle = block_costs_.begin() + static_cast<ptrdiff_t>(block_costs_.size() / 2);
    std::nth_element(block_costs_.begin(), middle, block_costs_.end());
    return *middle;
  }

  bool is_last(uint32_t epoch) const { return epoch + 1 == share_.settings.epochs; }
  bool is_due(uint32_t epoch) const {
    const uint32_t every = share_.settings.evaluate_every;
    return is_last(epoch) || (every > 0 && (epoch + 1) % every == 0);
  }

  // How long this worker has waited for others, or was stalled.
  Duration blocked() const { return state_->stalled() + state_->waited(); }

  std::unique_ptr<SharedState> make_state(std::function<void(size_t)> after_step) {
    const StepCost& cost = share_.settings.cost;
    if (!share_.replicas) {
      return shared_tables(share_.tables, port_, cost, std::move(after_step));
    }
    return shared_replicas(*share_.replicas, share_.tables, share_.task, port_, cost,
                           std::move(after_step));
  }

  // Each process that is started by hand looks for the newest checkpoint itself.
  void refuse_other_start() const {
    if (!share_.first_pass || *share_.first_pass == totals_.size()) return;
    const auto epoch = [](size_t pass) { return "epoch " + std::to_string(pass / 2); };
    throw UserError(
        "not all nodes go on from the same checkpoint: this one is at the end of " +
        epoch(*share_.first_pass) + ", another at that of " + epoch(totals_.size()) +
        "; do all see the same folder, and were all started with --resume, or without?");
  }

  // Where all replicas should be the same bits: another result would look as good.
  void refuse_unlike_replicas() {
    const auto own = state_->fingerprint();
    if (!own) return;
    std::vector<double> prints(workers());
    prints[port_.worker().value] = static_cast<double>(*own >> 11);
    const auto unlike = first_unlike(sum(std::move(prints)));
    if (!unlike) return;
    throw UserError(
        "after epoch " + std::to_string(epoch_ + 1) + " the replica of worker " +
        std::to_string(unlike->value) +
        " is not the same bits as that of worker 0, which this scheme promises: this is "
        "a defect, of the program or of a machine");
  }

  static void refuse_divergence(const EpochRecord& record) {
    if (std::isfinite(record.loss)) return;
    throw UserError("the loss of epoch " + std::to_string(record.epoch) +
                    " is not a finite number; lower train.rate");
  }

  void after_step(size_t examples) {
    const uint64_t done = share_.examples_done.fetch_add(examples, std::memory_order_relaxed);
    if (!is_first() || !share_.listener || !share_.listener->wants_live()) return;
    const Place& place = share_.tables.place();
    const auto per_epoch = static_cast<double>(std::max<uint64_t>(share_.examples_per_epoch, 1));
    const double here = static_cast<double>(done + examples) * place.nodes;
    const double all = first_epoch_ * per_epoch + here;
    LiveState live;
    live.epoch = epoch_ + 1;
    live.epochs = share_.settings.epochs;
    live.epoch_share = std::clamp(all / per_epoch - epoch_, 0.0, 1.0);
    if (epoch_loss_.examples > 0) live.loss = epoch_loss_.sum / epoch_loss_.examples;
    const double seconds = since(trained_from_);
    live.samples_per_second = seconds > 0 ? here / seconds : 0;
    live.nodes = place.nodes;
    live.staleness = WorkerStats{state_->stats()}.total().staleness.mean();
    const double left = per_epoch * live.epochs - all;
    if (live.samples_per_second > 0) live.seconds_left = left / live.samples_per_second;
    share_.listener->live(live);
  }

  // Under averages the end of a pass is waited for at rest.
  Duration at_rest() const {
    return share_.replicas ? state_->waited() - state_->averaged() : Duration{};
  }

  void report_totals() {
    const double seconds = totals_.empty() ? 0 : totals_.back().ended;
    const Place& place = share_.tables.place();
    WorkerTotals spent_here = spent();
    for (uint32_t t = 0; speaks() && t < spent_here.tables.tables.size(); ++t) {
      spent_here.tables.tables[t].moved_rows = share_.tables.moves(TableId{t}).moved;
    }
    spent_here.add_earlier(earlier());
    const NodeCounters node = speaks() && share_.counters ? share_.counters() : NodeCounters{};
    std::vector<double> own = {spent_here.time.compute,
                               spent_here.time.evaluate,
                               spent_here.time.idle,
                               spent_here.time.average,
                               static_cast<double>(node.bytes_sent),
                               static_cast<double>(node.messages),
                               node.cpu_seconds,
                               static_cast<double>(spent_here.gaps.held),
                               static_cast<double>(spent_here.gaps.passed_over)};
    const auto delays = spent_here.delays.pack();
    own.insert(own.end(), delays.begin(), delays.end());
    const size_t own_values = own.size();
    const StatsSum packing(share_.tables.size(), place.nodes, place.workers());
    const auto packed = packing.pack(spent_here.tables, port_.worker());
    own.insert(own.end(), packed.begin(), packed.end());
    const auto sums = sum(std::move(own));
    if (!is_first() || !share_.listener) return;
    RunTotals totals;
    const auto whole = static_cast<uint32_t>(totals_.size() / 2);
    totals.ended_early = whole < share_.settings.epochs;
    for (uint32_t e = 0; e < whole; ++e) totals.samples += record_of(e).samples;
    totals.view_changes = begin_.view_changes;
    totals.history = begin_.history;
    totals.time.compute = sums[0];
    totals.time.evaluate = sums[1];
    totals.time.idle = sums[2];
    totals.time.average = sums[3];
    totals.bytes_sent = static_cast<uint64_t>(sums[4]);
    totals.messages = static_cast<uint64_t>(sums[5]);
    totals.cpu_seconds = sums[6];
    totals.gaps = {static_cast<uint64_t>(sums[7]), static_cast<uint64_t>(sums[8])};
    totals.ns_per_example = typical_cost();
    totals.rounds = std::move(spent_here.rounds);
    totals.compress = state_->codec_note();
    totals.delays = DelayHistogram::unpack(
        std::span(sums).subspan(own_values - DelayHistogram::kPacked, DelayHistogram::kPacked));
    totals.tables = packing.unpack(std::span(sums).subspan(own_values));
    const TableStats job = totals.tables.total();
    totals.time.wait_rows = job.wait_rows.seconds();
    totals.time.wait_clock = job.wait_clock.seconds();
    share_.listener->finished(totals, seconds);
  }

  // The first worker of each node saves, the others wait for it: nobody changes a row any more.
  void save(ModelSaver& saver) {
    std::vector<double> sums;
    for (uint32_t s = 0; s < ModelSaver::kSteps; ++s) {
      sums = sum(speaks() ? saver.step(s, sums) : std::vector<double>(saver.length()));
    }
    if (!speaks()) return;
    saver.finish(sums);
    const bool whole = saver.bytes() > 0;
    if (is_first() && share_.listener && whole) {
      share_.listener->saved(saver.folder(), saver.bytes(), saver.elsewhere());
    }
  }

  WorkerPort& port_;
  NodeShare& share_;
  std::unique_ptr<SharedState> state_;
  Begin begin_;
  NextBlock next_;
  Reduce reduce_;
  struct Done {
    BlockDone block;
    uint64_t point = 0;  // SharedState::secure()
  };
  std::deque<Done> done_;           // and not told of yet
  std::vector<PassTotals> totals_;  // by pass

  uint32_t epoch_ = 0, first_epoch_ = 0;
  LossSum epoch_loss_;
  Duration idle_, evaluating_;
  std::vector<double> block_costs_;  // nanoseconds per example, waits apart
  Instant begun_, trained_from_;
};

}  // namespace

NodeShare::NodeShare(const Task& t, TableSet& set, const RunSettings& s, uint32_t planned_workers)
    : task(t), tables(set), settings(s), earlier(set.place().workers_per_node) {
  plan = std::make_shared<const BlockPlan>(task.plan(planned_workers));
  for (const BlockSpec& block : plan->blocks) examples_per_epoch += block.examples;
  BlockPlan parts;
  parts.blocks.assign(task.evaluation_parts(), BlockSpec{.examples = 1});
  evaluation_plan = std::make_shared<const BlockPlan>(std::move(parts));
}

std::optional<WorkerId> first_unlike(std::span<const double> prints) {
  const auto at =
      std::find_if(prints.begin(), prints.end(), [&](double p) { return p != prints[0]; });
  if (at == prints.end()) return std::nullopt;
  return WorkerId{static_cast<uint32_t>(at - prints.begin())};
}

void run_worker(WorkerPort& port, NodeShare& share) {
  Fail fail;
  fail.alone = true;
  try {
    Worker worker(port, share);
    try {
      worker.run();
    } catch (const JobEnded&) {
      worker.keep_spent();
    }
    return;
  } catch (const JobEnded&) {
    return;
  } catch (const std::bad_alloc&) {
    fail.text = "out of memory";
  } catch (const UserError& e) {  // the others would find the same
    fail.text = e.what();
    fail.alone = false;
  } catch (const std::exception& e) {
    fail.text = e.what();
  }
  try {
    port.call(fail);
  } catch (const std::exception&) {
    // The job has ended, which is what was asked for.
  }
}

}  // namespace hemiola
