#include "hemiola/train/runner.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace hemiola {

Runner thread_runner(uint32_t threads) {
  if (threads <= 1) return in_order;
  return [threads](size_t count, const std::function<void(size_t)>& task) {
    std::atomic<size_t> next{0};
    const auto work = [&] {
      for (size_t i = next++; i < count; i = next++) task(i);
    };
    std::vector<std::jthread> others(std::min<size_t>(threads, count) - (count > 0 ? 1 : 0));
    for (auto& thread : others) thread = std::jthread(work);
    work();
  };
}

}  // namespace hemiola
