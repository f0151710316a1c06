// etcd as the keeper of views.
//
// The key holds the view as encode_view() writes it, and is changed by compare-and-swap on its
// revision. It hangs on a lease that the nodes in it renew, so that what a job leaves that ended in
// disorder is gone soon after, and the job can begin anew. When it has ended well the key says so
// for a day, and may be followed by a first view.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "hemiola/net/view_store.h"

namespace hemiola::net {

struct EtcdPlace {
  std::string endpoints;  // "http://a:2379,http://b:2379": members of one cluster
  std::string key;
  uint64_t instance = 0;  // of this process, as it stands in views
};

// So long after its last process has died a view is gone. Shorter than nodes wait to be let in.
inline constexpr int kViewLeaseSeconds = 40;

// hemiola/JOB/RUN/view, where RUN tells runs of the same job from each other. It is made of what
// the nodes of a run have in common, and tells nothing of the secret.
std::string etcd_key(const std::string& job, const std::string& secret,
                     const std::string& rendezvous);

// Throws UserError when the endpoints are no such addresses.
std::unique_ptr<ViewStore> views_in_etcd(const EtcdPlace& place);

// Throws UserError when no member has answered for so long.
void etcd_must_answer(const EtcdPlace& place, double within_s);

}  // namespace hemiola::net
