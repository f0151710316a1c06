#include "hemiola/train/predict_answers.h"

#include <filesystem>

#include "hemiola/core/check.h"
#include "hemiola/train/predict_links.h"
#include "hemiola/train/predict_vectors.h"

namespace hemiola {
namespace {

void require_model(const ModelReader& model, const std::string& kind, const std::string& options) {
  const std::string& is = model.manifest().model;
  if (is == kind) return;
  throw UserError(options + " need a model of kind " + kind + ", but " + model.folder() +
                  " holds one of kind " + is);
}

// The file of facts that are to be left out, or none.
std::string known_facts(const PredictOptions& o, const ModelReader& model) {
  if (!o.only_new) return {};
  if (!o.facts.empty()) return o.facts;
  const auto trained_on = model.manifest().settings.find("data.train");
  const std::string path = trained_on == model.manifest().settings.end() ? "" : trained_on->second;
  if (!path.empty() && std::filesystem::exists(path)) return path;
  throw UserError("--new needs the facts that are known, but " + path +
                  ", on which the model was trained, is not here; name a file with --facts");
}

std::unique_ptr<Answerer> link_answerer(const PredictOptions& o, const ModelReader& model) {
  require_model(model, "kge", "--head, --relation and --tail");
  if (!o.relation) throw UserError("--head and --tail need --relation too");
  if (!o.head && !o.tail) throw UserError("--relation needs --head or --tail too");
  if (o.head && o.tail) {
    throw UserError("leave out one of --head and --tail: it is what is predicted");
  }
  return links(model, o.head ? MissingEnd::tail : MissingEnd::head, known_facts(o, model));
}

}  // namespace

std::vector<Part> parts_of(const PredictOptions& o) {
  std::vector<Part> parts;
  const auto add = [&](const char* option, const std::optional<std::string>& text) {
    if (text) parts.push_back({option, *text});
  };
  add("near", o.near);
  add("analogy", o.analogy);
  add("head", o.head);
  add("relation", o.relation);
  add("tail", o.tail);
  add("user", o.user);
  add("item", o.item);
  return parts;
}

std::unique_ptr<Answerer> answerer_for(const PredictOptions& o, const ModelReader& model) {
  if (model.manifest().model == "dense") {
    throw UserError(model.folder() +
                    " holds a model of kind dense, whose rows are weights of its " +
                    "layers: predict cannot ask it; hemiola export hands it on");
  }
  const bool about_links = o.head || o.relation || o.tail, about_ratings = o.user || o.item;
  const int questions = (o.near ? 1 : 0) + (o.analogy ? 1 : 0) + about_links + about_ratings;
  if (questions == 0) {
    throw UserError(
        "say what to predict: --near NAME, --analogy \"A B C\", --relation with --head or --tail, "
        "or --user with or without --item");
  }
  if (questions > 1) {
    throw UserError("ask one question at a time: --near, --analogy, the end of a fact or a rating");
  }
  if (!o.table.empty() && !o.near && !o.analogy) {
    throw UserError("--table goes with --near and --analogy only");
  }
  if ((o.only_new || !o.facts.empty()) && !about_links) {
    throw UserError("--new and --facts go with --head, --relation and --tail only");
  }
  if (!o.facts.empty() && !o.only_new) throw UserError("--facts needs --new too");
  if (about_links) return link_answerer(o, model);
  if (about_ratings) {
    require_model(model, "mf", "--user and --item");
    if (!o.user) throw UserError("--item needs --user too");
    return ratings(model);
  }
  const StoredTable& table = o.table.empty() ? model.manifest().tables[0] : model.table(o.table);
  return o.near ? neighbours(model, table) : analogies(model, table);
}

}  // namespace hemiola
