#include "hemiola/table/staleness.h"

#include <charconv>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

// The number of "ssp(3)" after "ssp(": the text up to the closing bracket.
int32_t bound_of(std::string_view digits, std::string_view whole) {
  int32_t bound = -1;
  const char* end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, bound);
  if (error != std::errc() || at != end || bound < 0 || bound > 1'000'000) {
    throw UserError("the staleness in `" + std::string(whole) +
                    "` must be a whole number from 0 to 1000000, as in `ssp(3)`");
  }
  return bound;
}

}  // namespace

std::string StalenessRule::name() const {
  if (!bounded()) return "async";
  if (strict) return "bsp strict";
  if (push) return "essp(" + std::to_string(bound) + ")";
  return bound == 0 ? "bsp" : "ssp(" + std::to_string(bound) + ")";
}

StalenessRule parse_staleness(std::string_view text) {
  if (text == "bsp") return {.bound = 0};
  if (text == "bsp strict") return {.bound = 0, .strict = true};
  if (text == "async" || text == "shared") {
    return {.bound = StalenessRule::kUnbounded, .push = true};
  }
  for (const bool eager : {false, true}) {
    const std::string_view start = eager ? "essp(" : "ssp(";
    if (text.starts_with(start) && text.ends_with(")")) {
      const auto digits = text.substr(start.size(), text.size() - start.size() - 1);
      return {.bound = bound_of(digits, text), .push = eager};
    }
  }
  throw UserError("unknown scheme `" + std::string(text) +
                  "`: use shared, bsp, bsp strict, ssp(N), essp(N) or async");
}

}  // namespace hemiola
