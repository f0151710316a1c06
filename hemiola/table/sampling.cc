#include "hemiola/table/sampling.h"

#include <charconv>
#include <optional>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr uint32_t kReuseMax = 10'000;
constexpr uint32_t kGroupMax = 10'000'000;

// Takes "  17" from the front of the text.
std::optional<uint32_t> take_number(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  uint32_t number = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(at - text.data()));
  while (text.starts_with(' ')) text.remove_prefix(1);
  return number;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

SamplingRule parse_pool(std::string_view text) {
  std::string_view rest = text.substr(4);
  std::optional<uint32_t> reuse, group;
  bool read = take(rest, '(') && (reuse = take_number(rest)) && take(rest, ',');
  read = read && (group = take_number(rest)) && rest == ")";
  if (!read) {
    throw UserError("cannot read the sampling `" + std::string(text) +
                    "`: a pool is written pool(U, G), as in `pool(16, 250)`: groups of G draws, "
                    "each used U times");
  }
  if (*reuse < 1 || *reuse > kReuseMax) {
    throw UserError("`" + std::string(text) + "` would use a draw " + std::to_string(*reuse) +
                    " times; it must be 1 to " + std::to_string(kReuseMax) + " times");
  }
  if (*group < 1 || *group > kGroupMax) {
    throw UserError("`" + std::string(text) + "` has groups of " + std::to_string(*group) +
                    " draws; they must have 1 to " + std::to_string(kGroupMax));
  }
  return {SamplingRule::Kind::pool, *reuse, *group};
}

}  // namespace

std::string SamplingRule::name() const {
  switch (kind) {
    case Kind::independent:
      return "independent";
    case Kind::pool:
      return "pool(" + std::to_string(reuse) + ", " + std::to_string(group) + ")";
    case Kind::postponed:
      return "postponed";
    case Kind::local:
      return "local";
  }
  return {};
}

std::string_view SamplingRule::preserves() const {
  switch (kind) {
    case Kind::independent:
      return "conforming";
    case Kind::pool:
      return "bounded";
    case Kind::postponed:
      return "long-term";
    case Kind::local:
      return "none";
  }
  return {};
}

SamplingRule parse_sampling(std::string_view text) {
  using Kind = SamplingRule::Kind;
  if (text == "independent") return {};
  if (text == "pool") return {Kind::pool};
  if (text == "postponed") return {Kind::postponed};
  if (text == "local") return {Kind::local};
  if (text.starts_with("pool(")) return parse_pool(text);
  throw UserError("unknown sampling `" + std::string(text) +
                  "`: use independent, pool, pool(U, G), postponed or local");
}

Sampling::Sampling(const std::vector<SamplerSpec>& samplers, SamplingRule r, uint64_t s)
    : rule(r), seed(s) {
  for (const SamplerSpec& spec : samplers) {
    sources.push_back({spec.name, spec.table, std::make_shared<const Distribution>(spec)});
  }
}

}  // namespace hemiola
