// Where the launcher of a running job can be asked for more nodes, or for fewer: a socket that only
// its user can reach. Where that is stands in the file `launcher` in the folder of the run.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/net/questions.h"

namespace hemiola {

struct DeskRequest {
  enum class What : uint8_t { join, leave };
  What what{};
  uint32_t count = 1;           // of nodes,
  std::vector<uint32_t> nodes;  // or these; only to leave
};
struct DeskAnswer {
  bool ok = false;
  std::string text;  // lines for people
};

class LaunchDesk {
 public:
  // Throws UserError. Socket and file are gone when this is.
  LaunchDesk(const std::string& socket, const std::string& run_folder);
  ~LaunchDesk();
  LaunchDesk(const LaunchDesk&) = delete;
  LaunchDesk& operator=(const LaunchDesk&) = delete;

  int fd() const { return questions_.fd(); }  // readable when somebody asks
  void serve(const std::function<DeskAnswer(const DeskRequest&)>& answer);

 private:
  net::Questions questions_;
  const std::string note_;
};

// nullopt: no launcher runs a job with this folder. Throws UserError when it does not answer.
std::optional<DeskAnswer> ask_desk(const std::string& run_folder, const DeskRequest& request);

}  // namespace hemiola
