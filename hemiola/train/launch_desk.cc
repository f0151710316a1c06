#include "hemiola/train/launch_desk.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

std::string note_in(const std::string& run_folder) { return run_folder + "/launcher"; }

// "join 2", "leave 1" (that many), "leave 1: 3" (that one).
std::string written(const DeskRequest& r) {
  std::string text = r.what == DeskRequest::What::join ? "join " : "leave ";
  text += std::to_string(r.count) + ":";
  for (const uint32_t node : r.nodes) text += " " + std::to_string(node);
  return text;
}

std::optional<DeskRequest> read(const std::string& text) {
  std::istringstream in(text);
  std::string what;
  char colon = 0;
  DeskRequest r;
  if (!(in >> what >> r.count >> colon) || colon != ':') return std::nullopt;
  if (what != "join" && what != "leave") return std::nullopt;
  r.what = what == "join" ? DeskRequest::What::join : DeskRequest::What::leave;
  for (uint32_t node; in >> node;) r.nodes.push_back(node);
  return r;
}

}  // namespace

LaunchDesk::LaunchDesk(const std::string& socket, const std::string& run_folder)
    : questions_(socket), note_(note_in(run_folder)) {
  std::error_code ignored;
  std::filesystem::create_directories(run_folder, ignored);
  std::ofstream(note_) << socket << "\n";
}

LaunchDesk::~LaunchDesk() {
  std::error_code ignored;
  std::filesystem::remove(note_, ignored);
}

void LaunchDesk::serve(const std::function<DeskAnswer(const DeskRequest&)>& answer) {
  questions_.serve([&](const std::string& question) -> std::string {
    const auto request = read(question);
    if (!request) return "";
    const DeskAnswer said = answer(*request);
    return (said.ok ? "yes\n" : "no\n") + said.text;
  });
}

std::optional<DeskAnswer> ask_desk(const std::string& run_folder, const DeskRequest& request) {
  std::string path;
  std::ifstream note(note_in(run_folder));
  if (!std::getline(note, path) || path.empty()) return std::nullopt;
  const auto said = net::ask(path, written(request));
  if (!said) return std::nullopt;  // the note is of a launcher that was killed
  const size_t line = said->find('\n');
  if (line == std::string::npos) {
    throw UserError("the launcher of " + run_folder + " says nothing");
  }
  return DeskAnswer{said->substr(0, line) == "yes", said->substr(line + 1)};
}

}  // namespace hemiola
