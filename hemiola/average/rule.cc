#include "hemiola/average/rule.h"

#include <array>
#include <charconv>
#include <vector>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

using Kind = AverageRule::Kind;

struct Named {
  Kind kind;
  std::string_view word;
  std::string_view shape;  // as it is to be written
};

constexpr std::array kNames = {
    Named{Kind::allreduce, "allreduce", "allreduce"},
    Named{Kind::local, "local", "local(H)"},
    Named{Kind::outer, "outer", "outer(H)"},
    Named{Kind::groups, "groups", "groups(M) or groups(M, S) with 1 < S <= M"},
    Named{Kind::gossip, "gossip", "gossip or gossip(H)"},
    Named{Kind::pushsum, "pushsum", "pushsum or pushsum(STEPS LATE)"},
    Named{Kind::consensus, "consensus", "consensus"},
    Named{Kind::backup, "backup", "backup or backup(search)"},
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// "word(a, b)" cut up.
struct Parts {
  std::string_view word;
  std::vector<std::string_view> arguments;
  bool whole = true;
};

Parts cut(std::string_view text) {
  Parts parts;
  text = trimmed(text);
  const size_t open = text.find('(');
  parts.word = trimmed(text.substr(0, open));
  if (open == std::string_view::npos) return parts;
  if (text.back() != ')') {
    parts.whole = false;
    return parts;
  }
  std::string_view inner = text.substr(open + 1, text.size() - open - 2);
  for (;;) {
    const size_t comma = inner.find(',');
    parts.arguments.push_back(trimmed(inner.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    inner.remove_prefix(comma + 1);
  }
  return parts;
}

const Named* find(std::string_view word) {
  for (const Named& n : kNames) {
    if (n.word == word) return &n;
  }
  return nullptr;
}

bool read_count(std::string_view text, uint32_t& value) {
  constexpr uint32_t kMost = 1'000'000;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && at == end && value > 0 && value <= kMost;
}

bool read_arguments(const std::vector<std::string_view>& arguments, AverageRule& rule) {
  const size_t n = arguments.size();
  switch (rule.kind) {
    case Kind::allreduce:
    case Kind::consensus:
      return n == 0;
    case Kind::local:
    case Kind::outer:
      return n == 1 && read_count(arguments[0], rule.every);
    case Kind::gossip:
      return n == 0 || (n == 1 && read_count(arguments[0], rule.every));
    case Kind::pushsum:
      return n == 0 || (n == 1 && read_count(arguments[0], rule.late));
    case Kind::backup:
      rule.search = n == 1 && arguments[0] == "search";
      return n == 0 || rule.search;
    case Kind::groups:
      if (n < 1 || n > 2 || !read_count(arguments[0], rule.members)) return false;
      rule.enough = rule.members;
      if (n == 2 && !read_count(arguments[1], rule.enough)) return false;
      return rule.enough <= rule.members && (rule.enough > 1 || rule.members == 1);
  }
  return false;
}

}  // namespace

std::string AverageRule::name() const {
  std::string text;
  for (const Named& n : kNames) {
    if (n.kind == kind) text = n.word;
  }
  const auto with = [&](uint32_t n) { return text + "(" + std::to_string(n) + ")"; };
  switch (kind) {
    case Kind::local:
    case Kind::outer:
      return with(every);
    case Kind::gossip:
      return every == 1 ? text : with(every);
    case Kind::pushsum:
      return with(late);
    case Kind::backup:
      return search ? text + "(search)" : text;
    case Kind::groups:
      return text + "(" + std::to_string(members) + ", " + std::to_string(enough) + ")";
    default:
      return text;
  }
}

bool names_average(std::string_view scheme) { return find(cut(scheme).word) != nullptr; }

AverageRule parse_average(std::string_view text) {
  const Parts parts = cut(text);
  const Named* named = find(parts.word);
  if (!named) {
    throw UserError("\"" + std::string(text) +
                    "\" is no scheme of averaging; there are allreduce, local(H), outer(H), "
                    "groups(M, S), gossip, pushsum, consensus and backup");
  }
  AverageRule rule;
  rule.kind = named->kind;
  if (!parts.whole || !read_arguments(parts.arguments, rule)) {
    throw UserError("\"" + std::string(text) + "\" is not how this scheme is written; write " +
                    std::string(named->shape));
  }
  return rule;
}

}  // namespace hemiola
