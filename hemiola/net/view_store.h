// The keeper of views outside of the nodes, as a node and as the launcher see it.
//
// A keeper holds one value, the view, and changes it only by compare-and-swap on its epoch: of two
// nodes that want to follow each other one wins, and whoever is cut off from the keeper cannot make
// a view. It is asked only when nodes come or go; while it is away, those who are here go on.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "hemiola/core/machine.h"

namespace hemiola::net {

// A node's way to the keeper. What it hears it tells as events: ViewStored whenever the view has
// changed, and once for each proposal and each time the keeper is found; StoreLost when it does not
// answer. It tries again for as long as it lives.
class ViewStore {
 public:
  virtual ~ViewStore() = default;

  // `tell` is called by a thread of the store's own. Called once.
  virtual void start(std::function<void(Event)> tell) = 0;
  // From any thread; does not block. While the keeper is away a proposal is lost.
  virtual void propose(Outbox::Proposal proposal) = 0;
  // The job is over. Each node says so when it leaves; when the one that leads does, which goes
  // last, the view says so (View::over). Blocks for a moment at most.
  virtual void job_over(NodeId) {}
};

// The launcher's service, which listens at the Unix socket `path`.
std::unique_ptr<ViewStore> view_service_at(const std::string& path);

// The service itself: keeps the view in memory and, so that a service that is started again knows
// it, in the file `path`.view. Serves until this process is ended. Throws UserError when it cannot
// listen.
[[noreturn]] void serve_views(const std::string& path);
std::string view_file(const std::string& path);
// What it keeps there, also while none serves. Nothing: there was no view yet.
std::optional<View> view_kept_at(const std::string& path);

}  // namespace hemiola::net
