#include "hemiola/train/predict.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "hemiola/core/check.h"
#include "hemiola/data/json.h"
#include "hemiola/data/lines.h"
#include "hemiola/train/predict_answers.h"

namespace hemiola {
namespace {

constexpr std::string_view kFromLine = "-";

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> pieces;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(by, at), text.size());
    // Several blanks part as one does; between two tabs there is an empty name.
    if (end > at || by == '\t') pieces.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return pieces;
}

// The scores are floats: as many digits as tell them apart.
Json number(double score) {
  char text[32];
  const char* end = std::to_chars(text, text + sizeof text, static_cast<float>(score)).ptr;
  double shown = score;
  std::from_chars(text, end, shown);
  return shown;
}

class Dialogue {
 public:
  Dialogue(const PredictOptions& options, std::istream& in, std::ostream& out, std::ostream& wrong)
      : options_(options), in_(in), out_(out), wrong_(wrong), parts_(parts_of(options)) {}

  int run() {
    const ModelReader model(options_.folder);
    const auto answerer = answerer_for(options_, model);
    const auto asks_lines = [](const Part& p) { return p.text == kFromLine; };
    fields_ = static_cast<size_t>(std::count_if(parts_.begin(), parts_.end(), asks_lines));
    if (fields_ > 0) return answer_lines(*answerer);
    say(parts_, answer(*answerer, parts_), answerer->measure());
    return 0;
  }

 private:
  std::vector<Answer> answer(Answerer& answerer, const std::vector<Part>& parts) const {
    std::vector<std::string> texts;
    for (const Part& p : parts) texts.push_back(p.text);
    return answerer.answer(texts, options_.top);
  }

  int answer_lines(Answerer& answerer) {
    int status = 0;
    std::string line;
    for (uint64_t number = 1; std::getline(in_, line); ++number) {
      if (line.ends_with('\r')) line.pop_back();
      if (line.empty()) continue;
      try {
        const auto parts = with_fields_of(line);
        say(parts, answer(answerer, parts), answerer.measure());
      } catch (const UserError& error) {
        wrong_ << "hemiola: line " << number << ": " << error.what() << "\n";
        if (options_.json) say_error(line, error.what());
        status = 1;
      }
      out_.flush();
    }
    return status;
  }

  std::vector<Part> with_fields_of(const std::string& line) const {
    const char by = line.find('\t') != line.npos ? '\t' : ' ';
    const auto fields = fields_ == 1 ? std::vector{line} : split(line, by);
    std::vector<Part> parts = parts_;
    std::string wanted;
    size_t next = 0;
    for (Part& p : parts) {
      if (p.text != kFromLine) continue;
      if (next < fields.size()) p.text = fields[next];
      ++next;
      wanted += (wanted.empty() ? "" : " and ") + p.option;
    }
    if (next != fields.size()) {
      throw UserError("expected " + wanted + ", parted by a tab, found " + shown(line));
    }
    return parts;
  }

  void say(const std::vector<Part>& parts, const std::vector<Answer>& answers,
           const std::string& measure) {
    if (options_.json) {
      Json::Object json;
      for (const Part& p : parts) json.emplace_back(p.option, p.text);
      Json::Array list;
      for (const Answer& a : answers) {
        list.push_back(Json::Object{{"name", a.name}, {measure, number(a.score)}});
      }
      json.emplace_back("answers", std::move(list));
      out_ << to_text(std::move(json), fields_ > 0 ? 0 : 2) << "\n";
      return;
    }
    if (fields_ > 0) {
      for (size_t i = 0; i < parts.size(); ++i) out_ << (i > 0 ? "\t" : "") << parts[i].text;
      out_ << "\n";
    }
    for (const Answer& a : answers) {
      char score[48];
      std::snprintf(score, sizeof score, "%10.4f", a.score);
      out_ << score << "  " << a.name << "\n";
    }
  }

  void say_error(const std::string& line, const std::string& error) {
    out_ << to_text(Json::Object{{"line", line}, {"error", error}}) << "\n";
  }

  const PredictOptions& options_;
  std::istream& in_;
  std::ostream& out_;
  std::ostream& wrong_;
  const std::vector<Part> parts_;
  size_t fields_ = 0;  // of a line of the input; 0: none is read
};

}  // namespace

int predict(const PredictOptions& options, std::istream& in, std::ostream& out,
            std::ostream& wrong) {
  return Dialogue(options, in, out, wrong).run();
}

}  // namespace hemiola
