// Work that a thread of its own does while training goes on, in order, with bounded memory.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace hemiola {

// The thread begins with the first work. Thread safety: all calls from any thread but its own.
class Background {
 public:
  using Buffer = std::vector<std::byte>;

  // At most so many buffers are out at a time.
  Background(size_t buffers, size_t buffer_bytes)
      : buffers_(buffers), buffer_bytes_(buffer_bytes) {}
  // Does what was posted.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // An empty buffer with room for buffer_bytes; waits until one is free. It is given back by post.
  Buffer buffer();
  size_t buffer_bytes() const { return buffer_bytes_; }

  // `work` must not throw.
  using Work = std::function<void(const Buffer&)>;
  void post(Work work, Buffer buffer = {});

  // All that was posted is done.
  bool idle() const;
  void wait() const;

 private:
  struct Posted {
    Work work;
    Buffer buffer;
  };

  void run();

  const size_t buffers_, buffer_bytes_;
  mutable std::mutex mutex_;  // guards all below but the thread
  mutable std::condition_variable changed_;
  std::deque<Posted> posted_;
  std::vector<Buffer> free_;
  size_t made_ = 0;
  bool busy_ = false;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace hemiola
