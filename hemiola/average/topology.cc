#include "hemiola/average/topology.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include "hemiola/average/random_regular.h"
#include "hemiola/core/check.h"
#include "hemiola/core/random.h"

namespace hemiola {
namespace {

using Kind = Topology::Kind;

constexpr struct {
  Kind kind;
  std::string_view name;
} kNames[] = {
    {Kind::ring, "ring"},         {Kind::torus, "torus"},   {Kind::exponential, "exponential"},
    {Kind::one_peer, "one-peer"}, {Kind::random, "random"}, {Kind::complete, "complete"},
    {Kind::star, "star"},         {Kind::tree, "tree"},     {Kind::expander, "expander"},
    {Kind::file, "file"},
};

constexpr uint32_t kMaxDegree = 1000;

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

uint32_t degree_of(Kind kind, std::string_view digits, std::string_view whole) {
  const uint32_t least = kind == Kind::random ? 2 : 3;
  uint32_t degree = 0;
  const char* end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, degree);
  if (error != std::errc() || at != end || degree < least || degree > kMaxDegree) {
    throw UserError("the number of neighbours in " + quoted(whole) +
                    " must be a whole number from " + std::to_string(least) + " to " +
                    std::to_string(kMaxDegree) + ", as in `random(4)` or `expander(4)`");
  }
  return degree;
}

std::vector<Edge> hops_to(uint32_t n, uint32_t hop) {
  std::vector<Edge> edges;
  for (uint32_t i = 0; i < n; ++i) edges.push_back({i, (i + hop) % n});
  return edges;
}

std::vector<Edge> torus_edges(uint32_t n) {
  uint32_t rows = 1;
  for (uint32_t r = 2; r * r <= n; ++r) {
    if (n % r == 0) rows = r;
  }
  const uint32_t columns = n / rows;
  std::vector<Edge> edges;
  for (uint32_t i = 0; i < n; ++i) {
    const uint32_t row = i / columns, column = i % columns;
    edges.push_back({i, row * columns + (column + 1) % columns});
    edges.push_back({i, (row + 1) % rows * columns + column});
  }
  return edges;
}

std::vector<Edge> exponential_edges(uint32_t n) {
  std::vector<Edge> edges;
  for (uint32_t hop = 1; hop < n; hop *= 2) {
    for (const Edge& e : hops_to(n, hop)) edges.push_back(e);
  }
  return edges;
}

std::vector<Edge> complete_edges(uint32_t n) {
  std::vector<Edge> edges;
  for (uint32_t a = 0; a < n; ++a) {
    for (uint32_t b = a + 1; b < n; ++b) edges.push_back({a, b});
  }
  return edges;
}

Graph file_graph(const Topology& topology, uint32_t n) {
  for (const Edge& e : topology.edges) {
    const uint32_t end = std::max(e.a, e.b);
    if (end >= n) {
      throw UserError("the graph of " + topology.path + " names worker " + std::to_string(end) +
                      ", but this job has workers 0 to " + std::to_string(n - 1) +
                      ": take its edges out or start more workers");
    }
  }
  Graph graph = graph_of_edges(n, topology.edges);
  const auto hops = hops_from(graph, 0);
  const auto lost = std::find(hops.begin(), hops.end(), kNoWay);
  if (lost != hops.end()) {
    throw UserError("in the graph of " + topology.path +
                    " there is no way from worker 0 to worker " +
                    std::to_string(lost - hops.begin()) + ": add an edge between their parts");
  }
  return graph;
}

Graph expander_graph(uint32_t n, uint32_t degree, uint64_t seed) {
  constexpr int kCandidates = 16;
  Graph best;
  double least = 2;
  for (int i = 0; i < kCandidates; ++i) {
    Graph graph = random_regular(n, degree, mix(seed, static_cast<uint64_t>(i)));
    const double factor = contraction_of(graph);
    if (factor >= least) continue;
    least = factor;
    best = std::move(graph);
  }
  return best;
}

std::vector<Edge> heap_edges(uint32_t n, uint32_t children) {
  std::vector<Edge> edges;
  for (uint32_t i = 1; i < n; ++i) edges.push_back({(i - 1) / children, i});
  return edges;
}

uint32_t number_in(std::string_view word, std::string_view name, size_t line) {
  uint32_t number = 0;
  const char* end = word.data() + word.size();
  const auto [at, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc() || at != end) {
    throw UserError(std::string(name) + ":" + std::to_string(line) + ": " + quoted(word) +
                    " is not the number of a worker; a line has two, as in `0 1`");
  }
  return number;
}

std::vector<std::string_view> words_of(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  std::vector<std::string_view> words;
  for (size_t at = line.find_first_not_of(kBlank); at != std::string_view::npos;) {
    const size_t end = std::min(line.find_first_of(kBlank, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(kBlank, end);
  }
  return words;
}

}  // namespace

std::string Topology::text() const {
  for (const auto& [known, name] : kNames) {
    if (known != kind) continue;
    if (kind == Kind::file) return "file(" + path + ")";
    if (degree > 0) return std::string(name) + "(" + std::to_string(degree) + ")";
    return std::string(name);
  }
  HEMIOLA_CHECK(false);
}

Topology parse_topology(std::string_view text) {
  const size_t open = text.find('(');
  const bool closed = open != std::string_view::npos && text.ends_with(')');
  const std::string_view name = text.substr(0, open);
  const std::string_view inner =
      closed ? text.substr(open + 1, text.size() - open - 2) : std::string_view();
  for (const auto& [kind, known] : kNames) {
    if (name != known) continue;
    if (kind == Kind::random || kind == Kind::expander) {
      return {.kind = kind, .degree = degree_of(kind, inner, text)};
    }
    if (kind == Kind::file && !inner.empty()) return {.kind = kind, .path = std::string(inner)};
    if (kind != Kind::file && open == std::string_view::npos) return {.kind = kind};
  }
  throw UserError("unknown topology " + quoted(text) +
                  ": use ring, torus, exponential, one-peer, random(N), complete, star, tree, "
                  "expander(N) or file(PATH)");
}

std::vector<Edge> parse_edges(std::string_view text, std::string_view name) {
  std::vector<Edge> edges;
  for (size_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view all = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto words = words_of(all.substr(0, all.find('#')));
    if (words.empty()) continue;
    const std::string where = std::string(name) + ":" + std::to_string(line) + ": ";
    if (words.size() != 2) {
      throw UserError(where + "an edge is two numbers of workers, as in `0 1`, and here are " +
                      std::to_string(words.size()) + " words");
    }
    edges.push_back({number_in(words[0], name, line), number_in(words[1], name, line)});
    if (edges.back().a == edges.back().b) {
      throw UserError(where + "worker " + std::to_string(edges.back().a) +
                      " needs no edge to itself; take the line out");
    }
  }
  return edges;
}

Graph graph_of(const Topology& topology, uint32_t n, uint64_t round, uint64_t seed) {
  HEMIOLA_CHECK(n > 0);
  switch (topology.kind) {
    case Kind::ring:
      return graph_of_edges(n, hops_to(n, 1));
    case Kind::torus:
      return graph_of_edges(n, torus_edges(n));
    case Kind::exponential:
      return graph_of_edges(n, exponential_edges(n), true);
    case Kind::one_peer:
      return graph_of_edges(n, hops_to(n, 1u << (round % period_of(topology, n))), true);
    case Kind::random:
      return random_regular(n, topology.degree, seed);
    case Kind::complete:
      return graph_of_edges(n, complete_edges(n));
    case Kind::star:
      return graph_of_edges(n, heap_edges(n, std::max(n - 1, 1u)));
    case Kind::tree:
      return graph_of_edges(n, heap_edges(n, 2));
    case Kind::expander:
      return expander_graph(n, topology.degree, seed);
    case Kind::file:
      return file_graph(topology, n);
  }
  HEMIOLA_CHECK(false);
}

uint32_t period_of(const Topology& topology, uint32_t n) {
  if (topology.kind != Kind::one_peer || n < 3) return 1;
  return static_cast<uint32_t>(std::bit_width(n - 1));
}

Graph base_graph(const Topology& topology, uint32_t n, uint64_t seed) {
  const uint32_t period = period_of(topology, n);
  if (period == 1) return graph_of(topology, n, 0, seed);
  std::vector<Edge> edges;
  for (uint32_t round = 0; round < period; ++round) {
    for (const Edge& e : edges_of(graph_of(topology, n, round, seed))) edges.push_back(e);
  }
  return graph_of_edges(n, std::move(edges), topology.directed());
}

}  // namespace hemiola
