// A small summary with something in most places, for the tests of what is made of one.
#pragma once

#include "hemiola/train/summary.h"

namespace hemiola {

inline Summary summary_for_test() {
  Summary s;
  s.job = "wordnet";
  s.model = "mf";
  s.sync = "ssp(3)";
  s.seed = 7;
  s.nodes = 4;
  s.workers = 8;
  s.totals.samples = 1234;
  s.totals.tables.tables.resize(1);
  s.totals.tables.tables[0].local_rows = 10;
  s.totals.tables.tables[0].staleness.add(3, 2);
  s.table_names = {"factors"};
  s.epochs = {{1, 0.5, 0.5, 0.75, 617, {{"rmse", 0.25}}}, {2, 0.5, 1.0, 0.5, 617, {}}};
  return s;
}

}  // namespace hemiola
