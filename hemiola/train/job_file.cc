#include "hemiola/train/job_file.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "hemiola/core/check.h"
#include "hemiola/train/nearest.h"
#include "hemiola/train/settings.h"

namespace hemiola {
namespace {

constexpr std::array<std::string_view, 7> kSections = {"job",  "data",    "model",     "train",
                                                       "sync", "cluster", "checkpoint"};

std::string line_of(const std::string& path, const toml::node& node) {
  return path + ":" + std::to_string(node.source().begin.line);
}

Typed typed(const std::string& key, const toml::node& node, const std::string& where) {
  if (const auto* b = node.as_boolean()) return {b->get()};
  if (const auto* i = node.as_integer()) return {i->get()};
  if (const auto* d = node.as_floating_point()) return {d->get()};
  if (const auto* s = node.as_string()) return {s->get()};
  const char* what = node.is_array() ? "a list" : node.is_table() ? "a table" : "a date or time";
  throw UserError("`" + key + "` in " + where + " is " + what +
                  ", but must be a single value; `hemiola options` says which");
}

// A table below a section is a map; its entries are set one by one.
void read_into(Job& job, const std::string& prefix, const toml::table& table,
               const std::string& path) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + "." + std::string(name.str());
    const toml::table* below = node.as_table();
    if (below && is_map(key)) {
      read_into(job, key, *below, path);
    } else if (below && !is_known(key)) {
      set(job, key, Typed{false}, line_of(path, node));  // says that the key is unknown
    } else {
      set(job, key, typed(key, node, line_of(path, node)), line_of(path, node));
    }
  }
}

[[noreturn]] void refuse_section(std::string_view name, const std::string& where) {
  std::string text = "unknown section [" + std::string(name) + "] in " + where;
  if (const auto near = nearest_name(name, kSections)) {
    text += ": did you mean [" + *near + "]?";
  } else {
    text += "; there are [job], [data], [model], [train], [sync], [cluster] and [checkpoint]";
  }
  throw UserError(text);
}

void make_relative_to(const std::string& file, std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  if (!path.empty() && !folder.empty()) path = (folder / path).lexically_normal().string();
}

// Of files with commas between them.
void make_list_relative_to(const std::string& file, std::string& list) {
  std::istringstream parts(list);
  std::string all;
  for (std::string part; std::getline(parts, part, ',');) {
    part.erase(0, part.find_first_not_of(' '));
    make_relative_to(file, part);
    all += (all.empty() ? "" : ",") + part;
  }
  list = all;
}

}  // namespace

Job parse_job(std::string_view text, const std::string& path) {
  const toml::parse_result parsed = toml::parse(text, path);
  if (!parsed) {
    const auto& error = parsed.error();
    throw UserError(path + ":" + std::to_string(error.source().begin.line) +
                    " is not TOML: " + std::string(error.description()));
  }
  Job job;
  const auto stem = std::filesystem::path(path).stem().string();
  if (!stem.empty()) job.job.name = stem;
  for (const auto& [name, node] : parsed.table()) {
    const std::string where = line_of(path, node);
    const bool known = std::find(kSections.begin(), kSections.end(), name.str()) != kSections.end();
    const toml::table* section = node.as_table();
    if (section && !known) refuse_section(name.str(), where);
    if (!section && known) {
      throw UserError("`" + std::string(name.str()) + "` in " + where +
                      " must be a section: write [" + std::string(name.str()) + "]");
    }
    if (!section) set(job, name.str(), Typed{false}, where);  // says that the key is unknown
    read_into(job, std::string(name.str()), *section, path);
  }
  for (std::string* p : {&job.data.valid, &job.data.test, &job.data.train_labels,
                         &job.data.test_labels, &job.data.analogies, &job.cluster.secret_file,
                         &job.cluster.cert, &job.cluster.key, &job.cluster.ca}) {
    make_relative_to(path, *p);
  }
  make_list_relative_to(path, job.data.similarity);
  if (job.data.kind == "text" || job.data.kind == "images") {
    make_list_relative_to(path, job.data.train);
  } else {
    make_relative_to(path, job.data.train);
  }
  return job;
}

Job read_job_file(const std::string& path) {
  if (std::filesystem::is_directory(path)) {
    throw UserError("the job file " + path + " is a directory");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) throw UserError("the job file " + path + " cannot be read: " + std::strerror(errno));
  std::ostringstream text;
  text << file.rdbuf();
  return parse_job(text.str(), path);
}

}  // namespace hemiola
