// One question and its answer, as texts, between two processes of this machine: a socket that only
// its user can reach.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "hemiola/net/socket.h"

namespace hemiola::net {

class Questions {
 public:
  // Listens at the Unix socket `path`, which is gone when this is. Throws UserError.
  explicit Questions(const std::string& path);
  ~Questions();
  Questions(const Questions&) = delete;
  Questions& operator=(const Questions&) = delete;

  int fd() const { return listener_.get(); }  // readable when somebody asks
  // Answers all that wait. Who asks and then says nothing is waited for, but not for long.
  void serve(const std::function<std::string(const std::string&)>& answer);

 private:
  const std::string path_;
  Fd listener_;
};

// nullopt: nobody listens there. Empty: whoever listens has said nothing for a while.
std::optional<std::string> ask(const std::string& path, const std::string& question);

}  // namespace hemiola::net
