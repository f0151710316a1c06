#include "hemiola/table/placement.h"

#include <charconv>
#include <optional>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

// The N of "name(N)"; nullopt when `text` is not of that form.
std::optional<uint32_t> count_in(std::string_view text, std::string_view name) {
  if (!text.starts_with(name) || !text.ends_with(")")) return std::nullopt;
  text.remove_prefix(name.size());
  if (text.size() < 3 || text[0] != '(') return std::nullopt;
  const char* end = text.data() + text.size() - 1;
  uint32_t count = 0;
  const auto [at, error] = std::from_chars(text.data() + 1, end, count);
  if (error != std::errc() || at != end || count == 0 || count == Placement::kAll) {
    throw UserError("the number of rows in `" + std::string(name) + std::string(text) +
                    "` must be a whole number from 1, as in `" + std::string(name) + "(1000)`");
  }
  return count;
}

}  // namespace

std::string Placement::name() const {
  const auto counted = [&](const char* word, uint32_t whole) {
    return hot == whole ? std::string(word) : std::string(word) + "(" + std::to_string(hot) + ")";
  };
  switch (kind) {
    case Kind::fixed:
      return "static";
    case Kind::relocate:
      return "relocate";
    case Kind::replicate:
      return counted("replicate", kAll);
    case Kind::nups:
      return counted("nups", kCounted);
    case Kind::intent:
      return "intent";
  }
  return {};
}

Placement parse_placement(std::string_view text) {
  using Kind = Placement::Kind;
  if (text == "static") return {};
  if (text == "relocate") return {Kind::relocate};
  if (text == "replicate") return {Kind::replicate, Placement::kAll};
  if (text == "nups") return {Kind::nups};
  if (text == "intent") return {Kind::intent};
  if (const auto n = count_in(text, "replicate")) return {Kind::replicate, *n};
  if (const auto n = count_in(text, "nups")) return {Kind::nups, *n};
  throw UserError("unknown placement `" + std::string(text) +
                  "`: use static, relocate, replicate, replicate(N), nups, nups(N) or intent");
}

}  // namespace hemiola
