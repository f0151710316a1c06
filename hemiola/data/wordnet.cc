#include "hemiola/data/wordnet.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"
#include "hemiola/data/publish.h"
#include "hemiola/data/wordnet_files.h"

namespace hemiola {
namespace {

struct Relation {
  std::string_view symbol;
  std::string_view name;  // of WN18RR, without its leading underscore
  bool symmetric = false;
};

constexpr std::array<Relation, 10> kRelations = {{{"@", "hypernym"},
                                                  {"@i", "instance_hypernym"},
                                                  {"%m", "member_meronym"},
                                                  {"%p", "has_part"},
                                                  {";c", "synset_domain_topic_of"},
                                                  {"-r", "member_of_domain_region"},
                                                  {"-u", "member_of_domain_usage"},
                                                  {"+", "derivationally_related_form", true},
                                                  {"^", "also_see", true},
                                                  {"$", "verb_group", true}}};

struct Fact {
  uint32_t head, relation, tail;  // places among the synsets, and in kRelations

  auto operator<=>(const Fact&) const = default;
};

// Facts of the relations above between synsets that are no satellites, each once, in the order of
// the files.
std::vector<Fact> facts_of(const WordnetFiles& files) {
  std::vector<Fact> facts;
  for (const WordnetPointer& p : files.pointers) {
    if (files.synsets[p.from].type == 's' || files.synsets[p.to].type == 's') continue;
    const std::string_view symbol(p.symbol.data(), p.symbol[1] == 0 ? 1 : 2);
    const auto* relation = std::find_if(kRelations.begin(), kRelations.end(),
                                        [&](const Relation& r) { return r.symbol == symbol; });
    if (relation == kRelations.end()) continue;
    facts.push_back({p.from, static_cast<uint32_t>(relation - kRelations.begin()), p.to});
  }
  std::sort(facts.begin(), facts.end());
  facts.erase(std::unique(facts.begin(), facts.end()), facts.end());
  return facts;
}

// How many facts a synset is in; the two directions of a symmetric one count once.
std::vector<uint32_t> connections(const std::vector<Fact>& facts, size_t synsets) {
  std::vector<Fact> once = facts;
  for (Fact& f : once) {
    if (kRelations[f.relation].symmetric && f.head > f.tail) std::swap(f.head, f.tail);
  }
  std::sort(once.begin(), once.end());
  once.erase(std::unique(once.begin(), once.end()), once.end());
  std::vector<uint32_t> count(synsets);
  for (const Fact& f : once) ++count[f.head], ++count[f.tail];
  return count;
}

std::vector<bool> best_connected(const std::vector<uint32_t>& connections, uint32_t most,
                                 uint64_t seed) {
  std::vector<std::tuple<uint32_t, uint64_t, uint32_t>> order;  // better ones are larger
  for (uint32_t s = 0; s < connections.size(); ++s) {
    if (connections[s] > 0) order.emplace_back(connections[s], mix(seed, s), s);
  }
  std::sort(order.begin(), order.end(), std::greater<>());
  order.resize(std::min<size_t>(order.size(), most));
  std::vector<bool> kept(connections.size());
  for (const auto& [count, tie, synset] : order) kept[synset] = true;
  return kept;
}

enum class Set : uint8_t { train, valid, test };

// A fact may leave train while both its synsets and its relation stay in others there.
std::vector<Set> split(const std::vector<Fact>& facts, size_t synsets, uint32_t valid,
                       uint32_t test, uint64_t seed) {
  std::vector<uint32_t> left(synsets), of_relation(kRelations.size());
  for (const Fact& f : facts) ++left[f.head], ++left[f.tail], ++of_relation[f.relation];
  std::vector<uint32_t> order(facts.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  Random random(mix(seed, 0x73706c69));
  shuffle(order, random);
  const size_t tenth = facts.size() / 10;
  size_t wanted_test = std::min<size_t>(test, tenth);
  size_t wanted_valid = std::min<size_t>(valid, tenth);
  std::vector<Set> sets(facts.size(), Set::train);
  for (const uint32_t i : order) {
    if (wanted_test + wanted_valid == 0) break;
    const Fact& f = facts[i];
    const uint32_t own = f.head == f.tail ? 2 : 1;
    if (left[f.head] <= own || left[f.tail] <= own || of_relation[f.relation] <= 1) continue;
    --left[f.head], --left[f.tail], --of_relation[f.relation];
    sets[i] = wanted_test > 0 ? Set::test : Set::valid;
    --(wanted_test > 0 ? wanted_test : wanted_valid);
  }
  return sets;
}

std::string name_of(const WordnetSynset& s) {
  char end[24];
  std::snprintf(end, sizeof end, s.meaning > 0 ? ".%c.%02u" : ".%c.%08u", s.type,
                s.meaning > 0 ? s.meaning : s.offset);
  return s.word + end;
}

std::string about(const WordnetSynset& s) {
  char place[24];
  std::snprintf(place, sizeof place, "%08u-%c\t", s.offset, s.file());
  return place + s.words + "\t" + s.gloss;
}

// Gives synsets and relations their numbers, in order of first appearance.
class Numbering {
 public:
  Numbering(const WordnetFiles& files, Wordnet& into)
      : files_(files), into_(into), entity_(files.synsets.size(), Dictionary::kNone) {}

  void add(const Fact& f, Triples& to) {
    const uint32_t head = entity(f.head);
    const uint32_t relation = into_.data.relations.add(kRelations[f.relation].name);
    to.add(head, relation, entity(f.tail));
  }

 private:
  uint32_t entity(uint32_t synset) {
    uint32_t& id = entity_[synset];
    if (id != Dictionary::kNone) return id;
    const WordnetSynset& s = files_.synsets[synset];
    const std::string name = name_of(s);
    id = into_.data.entities.add(name);
    if (id != into_.about.size()) throw UserError("two synsets of WordNet are called " + name);
    into_.about.push_back(about(s));
    return id;
  }

  const WordnetFiles& files_;
  Wordnet& into_;
  std::vector<uint32_t> entity_;  // by synset
};

void write_text(const std::string& path, const std::string& text) {
  Publisher file(path);
  file.write(text.data(), text.size());
  file.commit();
}

void write_triples(const std::string& path, const TripleData& names, const Triples& triples) {
  std::string text;
  for (size_t i = 0; i < triples.size(); ++i) {
    text.append(names.entities.name(triples.head[i])).append("\t");
    text.append(names.relations.name(triples.relation[i])).append("\t");
    text.append(names.entities.name(triples.tail[i])).append("\n");
  }
  write_text(path, text);
}

}  // namespace

Wordnet read_wordnet(const WordnetOptions& options) {
  const WordnetFiles files = read_wordnet_files(options.folder);
  std::vector<Fact> facts = facts_of(files);
  const size_t synsets = files.synsets.size();
  const auto kept = best_connected(connections(facts, synsets), options.synsets, options.seed);
  std::erase_if(facts, [&](const Fact& f) { return !kept[f.head] || !kept[f.tail]; });
  if (facts.empty()) throw UserError(options.folder + " holds no relations between synsets");
  const auto sets = split(facts, synsets, options.valid, options.test, options.seed);
  Wordnet wordnet;
  Numbering numbering(files, wordnet);
  TripleData& data = wordnet.data;
  for (const auto& [set, into] :
       {std::pair(Set::train, &data.train), {Set::valid, &data.valid}, {Set::test, &data.test}}) {
    for (size_t i = 0; i < facts.size(); ++i) {
      if (sets[i] == set) numbering.add(facts[i], *into);
    }
    if (set != Set::train) continue;
    data.trained_entities = data.entities.size();
    data.trained_relations = data.relations.size();
  }
  return wordnet;
}

void write_wordnet(const std::string& folder, const Wordnet& wordnet) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw UserError("cannot make the folder " + folder + ": " + error.message());
  const TripleData& data = wordnet.data;
  write_triples(folder + "/train.txt", data, data.train);
  write_triples(folder + "/valid.txt", data, data.valid);
  write_triples(folder + "/test.txt", data, data.test);
  std::string synsets;
  for (uint32_t id = 0; id < data.entities.size(); ++id) {
    synsets.append(data.entities.name(id)).append("\t").append(wordnet.about[id]).append("\n");
  }
  write_text(folder + "/synsets.tsv", synsets);
}

}  // namespace hemiola
