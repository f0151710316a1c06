// A function that runs on a stack of its own and can be left and entered again: how the
// simulator runs blocking code of many workers in one thread.
//
// Thread safety: a fiber is made, resumed and destroyed by one thread, and never from inside
// another fiber. The sanitizers are told of every switch.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>

namespace hemiola::sim {

class Fiber {
 public:
  // The stack is mapped at once and filled by the kernel as it is touched; below it lies a page
  // that nobody may touch, so an overflow stops the process at the place where it happens.
  Fiber(size_t stack_bytes, std::function<void()> body);
  // REQUIRES: finished, or never resumed (then the body is dropped without having run).
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Runs the body until it yields or ends. REQUIRES: not finished, and not inside a fiber.
  void resume();
  // Goes back to resume(). REQUIRES: called by the body.
  void yield();

  bool started() const { return started_; }
  bool finished() const { return finished_; }
  // What the body threw, if it did; to be asked for once it is finished.
  std::exception_ptr error() const { return error_; }

 private:
  // What the C++ runtime keeps per thread about exceptions in flight. Each side has its own, so
  // that a fiber may yield inside a catch block.
  struct Exceptions {
    void* caught = nullptr;
    unsigned int uncaught = 0;
  };
  // What the sanitizers keep about one side of a switch.
  struct Shadow {
    void* fake_stack = nullptr;  // address sanitizer
    const void* stack_bottom = nullptr;
    size_t stack_bytes = 0;
    void* fiber = nullptr;  // thread sanitizer
  };

  void run();
  // Leaves `from` for `to`; returns when someone comes back.
  void switch_over(Shadow& from, Shadow& to, bool last);
  void arrived(Shadow& here, Shadow* came_from);

  std::function<void()> body_;
  std::exception_ptr error_;
  bool started_ = false;
  bool finished_ = false;
  std::byte* mapping_ = nullptr;
  size_t mapping_bytes_ = 0;
  void* other_ = nullptr;  // where a switch leads: the body from outside, the resumer from inside
  Exceptions exceptions_;  // of the side that is not running
  Shadow inside_;
  Shadow outside_;

  friend struct FiberEntry;
};

}  // namespace hemiola::sim
