// Where the nodes of a launcher's job run, listen and meet.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "hemiola/train/launch.h"
#include "hemiola/train/launch_process.h"
#include "hemiola/train/node_order.h"

namespace hemiola {

// A folder that only this user can look into; gone at the end.
class PrivateFolder {
 public:
  PrivateFolder();
  ~PrivateFolder();
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class LaunchPlaces {
 public:
  // Throws UserError for hosts that cannot be.
  LaunchPlaces(const Job& job, const Flags& flags, const LaunchOptions& options);

  const std::string& folder() const { return folder_.path(); }
  // Where the launcher's keeper of views listens; empty: the job needs none.
  const std::string& views() const { return common_.place.views; }
  Whereabouts where(uint32_t node) const;
  // Another one for each process of a node, for the last one's may still be there.
  NodeOrder order_for(uint32_t node, bool later);

 private:
  std::string host(uint32_t node) const { return hosts_[node % hosts_.size()]; }
  bool by_tcp() const;
  bool job_has_begun() const;
  std::string unix_address(uint32_t node);

  const PrivateFolder folder_;
  const std::string program_, ssh_;
  const std::vector<std::string> hosts_;
  bool hosts_are_here_ = true;
  NodeOrder common_;  // what all nodes are told alike
  std::map<uint32_t, uint32_t> listened_;
};

}  // namespace hemiola
