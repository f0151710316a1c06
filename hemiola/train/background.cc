#include "hemiola/train/background.h"

#include <utility>

namespace hemiola {

Background::~Background() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Background::Buffer Background::buffer() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !free_.empty() || made_ < buffers_; });
  Buffer buffer;
  if (free_.empty()) {
    ++made_;
    buffer.reserve(buffer_bytes_);
  } else {
    buffer = std::move(free_.back());
    free_.pop_back();
  }
  return buffer;
}

void Background::post(Work work, Buffer buffer) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back({std::move(work), std::move(buffer)});
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  }
  changed_.notify_all();
}

bool Background::idle() const {
  const std::lock_guard lock(mutex_);
  return posted_.empty() && !busy_;
}

void Background::wait() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return posted_.empty() && !busy_; });
}

// Buffers go back to the system when there is nothing to do: they are needed seldom.
void Background::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return ends_ || !posted_.empty(); });
    if (posted_.empty()) return;
    Posted next = std::move(posted_.front());
    posted_.pop_front();
    busy_ = true;
    lock.unlock();
    next.work(next.buffer);
    lock.lock();
    busy_ = false;
    if (next.buffer.capacity() > 0) {
      next.buffer.clear();
      free_.push_back(std::move(next.buffer));
    }
    if (posted_.empty()) {
      made_ -= free_.size();
      free_.clear();
    }
    changed_.notify_all();
  }
}

}  // namespace hemiola
