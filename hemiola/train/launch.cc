#include "hemiola/train/launch.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "hemiola/cluster/verdict.h"
#include "hemiola/core/check.h"
#include "hemiola/net/socket.h"
#include "hemiola/net/view_store.h"
#include "hemiola/train/checkpoint_folder.h"
#include "hemiola/train/checkpoint_run.h"
#include "hemiola/train/launch_desk.h"
#include "hemiola/train/launch_places.h"
#include "hemiola/train/launch_process.h"
#include "hemiola/train/launch_table.h"

namespace hemiola {
namespace {

using net::Fd;
using std::chrono::steady_clock;

// After the first node has failed, how long the others may take to say what they know. What a
// signal did needs no more words.
constexpr auto kLastWords = std::chrono::milliseconds(1500);
// How long a node may take to end when others have seen the job's end.
constexpr auto kLeave = std::chrono::seconds(2);
// When its job is over a node that still writes is waited for, and named this often. Of one on
// another machine it cannot be known, and is hoped for so many times.
constexpr auto kSayWait = std::chrono::seconds(10);
constexpr int kHope = 3;
// A node that lived for less is not started again at once, and no more than a few times.
constexpr auto kShortLife = std::chrono::seconds(2);
constexpr int kShortLives = 3;
// How often the keeper of views is looked after.
constexpr int kLookMs = 200;

// So often all may die before there is another checkpoint.
constexpr int kInVain = 3;

using Process = NodeProcess;

// Of those behind `known`, which others have written; else what it went on from before.
ResumeFlags last_checkpoint(const Job& job, const Flags& flags, uint32_t known) {
  Progress silent({.quiet = true});
  try {
    const ResumeFlags last = checkpoint_to_resume(job, flags, "", silent);
    return last.number > known ? last : flags.resume;
  } catch (const UserError&) {
    return flags.resume;
  }
}

class Launcher {
 public:
  Launcher(const Job& job, const Flags& flags, const LaunchOptions& options)
      : job_(job), flags_(flags), options_(options), places_(job, flags, options) {}

  int run() {
    block_signals();
    try {
      if (!places_.views().empty()) start_service();
      if (goes_on(job_)) desk_.emplace(places_.folder() + "/desk", flags_.out);
      for (uint32_t n = 0; n < job_.cluster.nodes; ++n) start_node(n, false);
      while (any_running()) wait_for_something();
    } catch (...) {
      end_all();
      end_service();
      throw;
    }
    end_service();
    return all_dead_ ? 1 : conclude();
  }

  // The job came to nothing because all died who knew of it; it may begin again.
  bool all_dead() const { return all_dead_; }

 private:
  void block_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int s : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, s);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    signals_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) {
      throw UserError("cannot wait for signals: " + std::generic_category().message(errno));
    }
  }

  // The keeper of views is a process of its own: it needs nothing of the launcher, and is started
  // again when it dies.
  void start_service() {
    service_ = ::fork();
    if (service_ < 0) throw UserError("cannot start the keeper of views");
    if (service_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGINT, SIG_IGN);
    std::string word = "keep-views", path = places_.views(), program = options_.program;
    char* arguments[] = {program.data(), word.data(), path.data(), nullptr};
    ::execv(options_.program.c_str(), arguments);
    ::_exit(127);
  }

  void end_service() {
    if (service_ <= 0) return;
    ::kill(service_, SIGKILL);
    ::waitpid(service_, nullptr, 0);
    service_ = 0;
  }

  Process& start_node(uint32_t node, bool later) {
    const NodeOrder order = places_.order_for(node, later);
    processes_.push_back(std::make_unique<Process>(order, places_.where(node)));
    if (later) came_later_.insert(processes_.back().get());
    return *processes_.back();
  }

  bool any_running() const {
    return std::any_of(processes_.begin(), processes_.end(), [](auto& p) { return p->running(); });
  }

  Process* running(uint32_t node) const {
    for (const auto& p : processes_) {
      if (p->running() && p->node() == node) return p.get();
    }
    return nullptr;
  }

  void wait_for_something() {
    std::vector<pollfd> fds = {{signals_.get(), POLLIN, 0}, {desk_ ? desk_->fd() : -1, POLLIN, 0}};
    for (const auto& p : processes_) {
      if (p->running()) fds.push_back({p->fd(), POLLIN, 0});
    }
    ::poll(fds.data(), fds.size(), timeout_ms());
    if (fds[0].revents & POLLIN) interrupted();
    if (fds[1].revents & POLLIN) desk_->serve([this](const DeskRequest& r) { return answer(r); });
    for (size_t i = 0; i < processes_.size(); ++i) {
      if (processes_[i]->take_end()) ended(*processes_[i]);
    }
    if (service_ > 0 && ::waitpid(service_, nullptr, WNOHANG) == service_) {
      std::fprintf(stderr, "hemiola: the keeper of views was ended; it is started again\n");
      start_service();
    }
    if (deadline_ && steady_clock::now() >= *deadline_) out_of_time();
  }

  // Of a job that is done those are waited for that write what they have; but not those that are
  // frozen, or have never come in.
  void out_of_time() {
    deadline_.reset();
    for (const auto& p : processes_) {
      const bool may_write = p->finishing() || (p->remote() && waited_for_[p.get()] < kHope);
      if (first_failed_ || !may_write) p->end();
    }
    if (!any_running()) return;
    deadline_ = steady_clock::now() + kSayWait;
    for (const auto& p : processes_) {
      if (!p->running() || ++waited_for_[p.get()] < 2) continue;
      std::fprintf(stderr, "hemiola: waiting for node %u (process %d) to write what it has\n",
                   p->node(), p->pid());
    }
  }

  int timeout_ms() const {
    if (!deadline_) return service_ > 0 ? kLookMs : -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - steady_clock::now());
    return static_cast<int>(std::max<int64_t>(0, left.count()));
  }

  void interrupted() {
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      if (interrupted_) {
        end_all();
        continue;
      }
      interrupted_ = true;
      std::fprintf(stderr,
                   "\nhemiola: ending in order, with what is done so far; a second signal ends it "
                   "now\n");
      for (const auto& p : processes_) p->tell(Process::Wish::end_job);
    }
  }

  bool is_over() const { return interrupted_ || done_ || deadline_; }

  DeskAnswer answer(const DeskRequest& request) {
    if (is_over()) return {false, "the job is ending\n"};
    return request.what == DeskRequest::What::join ? join(request.count) : leave(request);
  }

  DeskAnswer join(uint32_t count) {
    std::vector<uint32_t> free;
    for (uint32_t n = 0; n < most_nodes(job_); ++n) {
      if (!running(n)) free.push_back(n);
    }
    if (free.size() < count) {
      return {false, "at most " + std::to_string(most_nodes(job_)) +
                         " nodes may be there at a time (--max-nodes), and " +
                         std::to_string(most_nodes(job_) - free.size()) + " are\n"};
    }
    DeskAnswer said{true, ""};
    for (uint32_t i = 0; i < count; ++i) {
      leaving_.erase(free[i]);
      const Process& p = start_node(free[i], true);
      said.text += "node " + std::to_string(free[i]) + " (process " + std::to_string(p.pid()) +
                   ") is started\n";
    }
    return said;
  }

  DeskAnswer leave(const DeskRequest& request) {
    std::vector<uint32_t> stay;
    for (uint32_t n = 0; n < most_nodes(job_); ++n) {
      if (running(n) && !leaving_.contains(n)) stay.push_back(n);
    }
    std::vector<uint32_t> go = request.nodes;
    for (const uint32_t n : go) {
      if (std::erase(stay, n) == 0) {
        return {false, "there is no node " + std::to_string(n) + " that could leave\n"};
      }
    }
    // Of any, those that came last.
    for (uint32_t i = 0; request.nodes.empty() && i < request.count && !stay.empty(); ++i) {
      go.push_back(stay.back());
      stay.pop_back();
    }
    if (stay.size() < std::max(job_.cluster.min_nodes, 1u)) {
      return {false, "then " + std::to_string(stay.size()) +
                         " nodes would be left, and the job wants at least " +
                         std::to_string(std::max(job_.cluster.min_nodes, 1u)) + " (--min-nodes)\n"};
    }
    DeskAnswer said{true, ""};
    for (const uint32_t n : go) {
      leaving_.insert(n);
      running(n)->tell(Process::Wish::leave);
      said.text += "node " + std::to_string(n) + " is asked to leave\n";
    }
    return said;
  }

  void ended(const Process& p) {
    if (p.ended_by_us() || p.exited_with(kLeftStatus)) return;
    if (p.well()) return job_done(p.exited_with(kEarlyStatus));
    const bool lost = p.killed() || p.exited_with(kFencedStatus);
    const bool gone = lost || (p.exited_with(kAloneStatus) && any_running());
    if (goes_on(job_) && !is_over() && nobody_knows(p, gone)) {
      std::fprintf(stderr, "hemiola: %s\n", p.why().c_str());
      all_dead_ = true;
      return end_all();
    }
    const bool may_go_on = goes_on(job_) && !deadline_ && any_running();
    if (may_go_on && lost) return lost_node(p);
    // One that fails to come in, or is refused, is no reason for the others to end. If the job has
    // failed they do so by themselves.
    if (may_go_on && (came_later_.contains(&p) || p.exited_with(kAloneStatus))) {
      replaced_.insert(&p);
      std::fprintf(stderr, "hemiola: %s; it stays away\n", p.why().c_str());
      return;
    }
    if (!first_failed_) first_failed_ = &p;
    if (deadline_) return;
    deadline_ = steady_clock::now() + (p.killed() ? steady_clock::duration{} : kLastWords);
  }

  // Those who are left, if any, have come too late to have learnt anything.
  bool nobody_knows(const Process& ended, bool gone) const {
    if (!gone) return ended.why().find(kNobodyKnows) != std::string::npos;
    if (places_.views().empty()) return false;
    const auto view = net::view_kept_at(places_.views());
    return view && std::none_of(processes_.begin(), processes_.end(), [&](const auto& p) {
             return p->running() && view->has(NodeId{p->node()}, p->instance());
           });
  }

  // One node has seen the job's end, so all that belong to it have.
  void job_done(bool early) {
    done_ = true;
    early_ = early_ || early;
    if (!deadline_ && goes_on(job_)) deadline_ = steady_clock::now() + kLeave;
  }

  // The job goes on. The node is started again, unless it was to go anyhow, or never gets far.
  void lost_node(const Process& p) {
    const uint32_t node = p.node();
    replaced_.insert(&p);
    const std::string why = p.why();
    const bool soon = p.ended() - p.started() < kShortLife;
    short_lives_[node] = soon ? short_lives_[node] + 1 : 0;
    if (interrupted_ || leaving_.contains(node)) {
      std::fprintf(stderr, "hemiola: %s\n", why.c_str());
    } else if (short_lives_[node] >= kShortLives) {
      std::fprintf(stderr, "hemiola: %s; it has died early %d times and stays away\n", why.c_str(),
                   kShortLives);
    } else {
      const Process& next = start_node(node, true);
      std::fprintf(stderr, "hemiola: %s; started again as process %d\n", why.c_str(), next.pid());
    }
  }

  void end_all() {
    for (const auto& p : processes_) p->end();
  }

  // Says each reason once. What a signal did to a node is the reason of all that followed.
  int conclude() const {
    if (interrupted_) std::fprintf(stderr, "hemiola: interrupted; all nodes have ended\n");
    say_reasons();
    say_ends();
    if (interrupted_) return kEarlyStatus;
    if (first_failed_) return 1;
    return early_ ? kEarlyStatus : done_ ? 0 : 1;
  }

  void say_reasons() const {
    if (!first_failed_) return;
    std::vector<std::string> reasons;
    const auto counts = [this](const Process& p) {
      return !p.ended_by_us() && !replaced_.contains(&p);
    };
    for (const auto& p : processes_) {
      if (counts(*p) && p->killed()) reasons.push_back(p->why());
    }
    if (reasons.empty()) {
      reasons.push_back(first_failed_->why());
      for (const auto& p : processes_) {
        if (counts(*p) && !p->well()) reasons.push_back(p->why());
      }
    }
    std::set<std::string> said;
    for (const std::string& r : reasons) {
      if (said.insert(r).second) std::fprintf(stderr, "hemiola: %s\n", r.c_str());
    }
  }

  // Nothing when no node was killed, left or began again: then one sentence says all.
  void say_ends() const {
    std::vector<NodeEnd> ends;
    bool notable = false;
    std::map<uint32_t, uint32_t> before;
    for (const auto& p : processes_) {
      const std::chrono::duration<double> after = p->ended() - begun_;
      ends.push_back(
          {p->node(), p->pid(), p->host(), p->how(), after.count(), before[p->node()]++});
      const bool killed = p->killed() && !p->ended_by_us();
      notable = notable || killed || ends.back().restarts > 0 || p->exited_with(kLeftStatus) ||
                replaced_.contains(p.get());
    }
    if (notable) std::fputs(exit_table(std::move(ends)).c_str(), stderr);
  }

  const Job& job_;
  const Flags& flags_;
  const LaunchOptions& options_;
  LaunchPlaces places_;
  const steady_clock::time_point begun_ = steady_clock::now();
  Fd signals_;
  std::optional<LaunchDesk> desk_;
  pid_t service_ = 0;
  std::vector<std::unique_ptr<Process>> processes_;  // of all nodes, ended ones too
  std::set<const Process*> replaced_;                // the job went on without them
  std::set<const Process*> came_later_;              // than the job began
  std::map<uint32_t, int> short_lives_;              // node → one after the other
  std::set<uint32_t> leaving_;                       // asked to, by this launcher
  std::map<const Process*, int> waited_for_;         // at the end
  const Process* first_failed_ = nullptr;
  std::optional<steady_clock::time_point> deadline_;  // then the rest is made to end
  bool all_dead_ = false;
  bool done_ = false;  // some node has seen the end of the job
  bool interrupted_ = false;
  bool early_ = false;  // it ended in order before all was done
};

}  // namespace

LaunchResult launch(const Job& job, const Flags& flags, const LaunchOptions& options) {
  Flags from = flags;
  const uint32_t known = next_sequence(checkpoint_folder(job, flags.out)) - 1;
  for (int in_vain = 0;;) {
    Launcher launcher(job, from, options);
    const int status = launcher.run();
    if (!launcher.all_dead()) return {status};
    std::fprintf(stderr, "hemiola: all nodes that were at work have died\n");
    const std::string before = std::exchange(from.resume, last_checkpoint(job, from, known)).path;
    in_vain = from.resume.path == before ? in_vain + 1 : 0;
    if (in_vain == kInVain) {
      std::fprintf(stderr, "hemiola: %d times without a new checkpoint: the job ends\n", kInVain);
      return {1};
    }
    const std::string where = from.resume ? "goes on from " + from.resume.path
                                          : "begins again, for there is no checkpoint yet";
    std::fprintf(stderr, "hemiola: the job %s\n", where.c_str());
  }
}

}  // namespace hemiola
