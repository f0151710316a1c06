// A knowledge graph made of WordNet's own files, as Debian's package wordnet-base brings them.
//
// Entities are synsets: groups of words with one meaning. Relations are those of WN18RR
// (Dettmers et al., "Convolutional 2D Knowledge Graph Embeddings", AAAI 2018), which are the 18 of
// WN18 (Bordes et al., "Translating Embeddings for Modeling Multi-relational Data", NIPS 2013)
// without one of each pair such as hypernym and hyponym: who has seen one knows the other. As in
// WN18RR a symmetric relation (derivationally_related_form, also_see, verb_group) stands in both
// directions, and the mirror of a triple to be tested may be one to train on.
//
// WN18 chose its 40,943 synsets by texts that are not at hand. Here the best connected are kept,
// which comes near: without satellite adjectives, of which WN18 has hardly any (nor similar_to, the
// relation that leads to them), and ties by seed.
// The format of the files is that of the manual page wndb(5).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hemiola/data/triples.h"

namespace hemiola {

struct WordnetOptions {
  std::string folder = "/usr/share/wordnet";
  uint32_t synsets = 40'943;  // at most so many are kept
  uint32_t valid = 3'034;     // triples, as in WN18RR; fewer when the graph is small
  uint32_t test = 3'134;
  uint64_t seed = 1;
};

struct Wordnet {
  // Entities are called by their first word, its kind (n, v, a, r) and the number of the word's
  // meaning: "dog.n.01". All of valid and test occur in train.
  TripleData data;
  std::vector<std::string> about;  // by entity: "02084071-n TAB dog, domestic dog TAB a member of"
};

// Throws UserError when the files are not there (naming the package) or are not WordNet's.
Wordnet read_wordnet(const WordnetOptions& options = {});

// Writes train.txt, valid.txt, test.txt and synsets.tsv (a name and what is about it) into a
// folder, which is made when it is missing; each file appears whole. Throws UserError.
void write_wordnet(const std::string& folder, const Wordnet& wordnet);

}  // namespace hemiola
