// How long does it take from a text file to a good log-loss? Writes the made click log (900,000
// examples to train on, 39 one-hot fields) as libsvm text, trains on it with the program as a user
// runs it, parsing included, and runs LIBLINEAR beside where it is installed
// (Debian: liblinear-tools).
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "bench/report.h"
#include "hemiola/data/synthetic.h"
#include "hemiola/data/write.h"

namespace hemiola::bench {
namespace {

namespace fs = std::filesystem;

// Wall seconds of a shell command; below 0 when it failed.
double seconds_of(const std::string& command) {
  const double start = wall_seconds();
  return std::system(command.c_str()) == 0 ? wall_seconds() - start : -1;
}

// The number behind `"name":` in the last place where it stands.
double last_number(const fs::path& file, const std::string& name) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  const std::string all = text.str();
  const size_t at = all.rfind("\"" + name + "\":");
  return at == std::string::npos ? -1 : std::atof(all.c_str() + at + name.size() + 3);
}

void run(const fs::path& program, const fs::path& folder) {
  {
    const auto made = make_clicks({});
    write_libsvm(folder / "train", made.train);
    write_libsvm(folder / "test", made.test);
  }
  std::ofstream(folder / "job.toml") << "[data]\nkind = \"libsvm\"\ntrain = \"train\"\n"
                                        "test = \"test\"\n[model]\nkind = \"linear\"\nl2 = 1e-5\n"
                                        "[train]\nepochs = 4\nevaluate_every = 0\n";
  const std::string out = (folder / "out").string();
  const double ours = seconds_of(program.string() + " train " + (folder / "job.toml").string() +
                                 " --quiet --out " + out);
  if (ours < 0) std::exit(1);
  result("clicks_text_to_model", ours, "s", "<=3.3");
  result("clicks_text_log_loss", last_number(folder / "out" / "summary.json", "log_loss"),
         "log_loss", "<=0.436");
  if (std::system("command -v liblinear-train >/dev/null") != 0) {
    std::printf("liblinear-train is not installed: no reference run\n");
    return;
  }
  const double liblinear =
      seconds_of("liblinear-train -q -s 0 -c 0.1 " + (folder / "train").string() + " " +
                 (folder / "model").string());
  result("clicks_liblinear_text_to_model", liblinear, "s");
  result("clicks_text_to_model_of_liblinear", ours / liblinear, "x", "<=1");
}

}  // namespace
}  // namespace hemiola::bench

int main(int, char** argv) {
  namespace fs = std::filesystem;
  char name[] = "/tmp/hemiola-clicks-XXXXXX";
  const fs::path folder = mkdtemp(name);
  // Built side by side: build/bench/linear_from_text and build/hemiola.
  hemiola::bench::run(fs::canonical(argv[0]).parent_path().parent_path() / "hemiola", folder);
  fs::remove_all(folder);
}
