#include "hemiola/sim/fiber.h"

#include <cxxabi.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstring>
#include <system_error>
#include <utility>

#include "hemiola/core/check.h"

#ifdef HEMIOLA_SANITIZE_ADDRESS
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef HEMIOLA_SANITIZE_THREAD
#include <sanitizer/tsan_interface.h>
#endif

namespace hemiola::sim {

namespace context = boost::context::detail;

struct FiberEntry {
  static void enter(context::transfer_t came) {
    auto* self = static_cast<Fiber*>(came.data);
    self->other_ = came.fctx;
    self->run();
  }
};

Fiber::Fiber(size_t stack_bytes, std::function<void()> body) : body_(std::move(body)) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t usable = (stack_bytes + page - 1) / page * page;
  mapping_bytes_ = usable + page;
  void* at = mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED || mprotect(at, page, PROT_NONE) != 0) {
    throw std::system_error(errno, std::generic_category(), "no memory for a fiber's stack");
  }
  mapping_ = static_cast<std::byte*>(at);
  inside_.stack_bottom = mapping_ + page;
  inside_.stack_bytes = usable;
#ifdef HEMIOLA_SANITIZE_ADDRESS
  __asan_unpoison_memory_region(mapping_ + page, usable);  // an earlier stack may have lain here
#endif
#ifdef HEMIOLA_SANITIZE_THREAD
  inside_.fiber = __tsan_create_fiber(0);
#endif
  other_ = context::make_fcontext(mapping_ + mapping_bytes_, usable, FiberEntry::enter);
}

Fiber::~Fiber() {
  HEMIOLA_CHECK(finished_ || !started_);
#ifdef HEMIOLA_SANITIZE_THREAD
  __tsan_destroy_fiber(inside_.fiber);
#endif
  munmap(mapping_, mapping_bytes_);
}

void Fiber::resume() {
  HEMIOLA_CHECK(!finished_);
  started_ = true;
#ifdef HEMIOLA_SANITIZE_THREAD
  outside_.fiber = __tsan_get_current_fiber();
#endif
  switch_over(outside_, inside_, false);
}

void Fiber::yield() { switch_over(inside_, outside_, false); }

// The first frame of the body's stack: nothing may be thrown through it.
void Fiber::run() {
  arrived(inside_, &outside_);
  try {
    body_();
  } catch (...) {
    error_ = std::current_exception();
  }
  body_ = nullptr;
  finished_ = true;
  switch_over(inside_, outside_, true);
  HEMIOLA_CHECK(!"a finished fiber was resumed");
}

void Fiber::switch_over(Shadow& from, [[maybe_unused]] Shadow& to, [[maybe_unused]] bool last) {
  // The layout of __cxa_eh_globals is fixed by the Itanium C++ ABI, section 2.2.2.
  auto* const globals = abi::__cxa_get_globals();
  Exceptions mine;
  std::memcpy(static_cast<void*>(&mine), globals, sizeof mine);
  std::memcpy(static_cast<void*>(globals), &exceptions_, sizeof exceptions_);
  exceptions_ = mine;
#ifdef HEMIOLA_SANITIZE_ADDRESS
  __sanitizer_start_switch_fiber(last ? nullptr : &from.fake_stack, to.stack_bottom,
                                 to.stack_bytes);
#endif
#ifdef HEMIOLA_SANITIZE_THREAD
  __tsan_switch_to_fiber(to.fiber, 0);
#endif
  const context::transfer_t came = context::jump_fcontext(other_, this);
  other_ = came.fctx;
  arrived(from, nullptr);
}

// Only the first arrival inside learns where the resumer's stack lies.
void Fiber::arrived([[maybe_unused]] Shadow& here, [[maybe_unused]] Shadow* came_from) {
#ifdef HEMIOLA_SANITIZE_ADDRESS
  const void* bottom = nullptr;
  size_t bytes = 0;
  __sanitizer_finish_switch_fiber(here.fake_stack, &bottom, &bytes);
  if (came_from) {
    came_from->stack_bottom = bottom;
    came_from->stack_bytes = bytes;
  }
#endif
}

}  // namespace hemiola::sim
