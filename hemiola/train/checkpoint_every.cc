#include "hemiola/train/checkpoint_every.h"

#include <charconv>
#include <cmath>
#include <string_view>

#include "hemiola/core/check.h"

namespace hemiola {

CheckpointEvery parse_every(const std::string& text) {
  if (text == "none") return {};
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  const auto refuse = [&] {
    throw UserError("checkpoint.every = \"" + text +
                    "\" is no span; write \"none\", \"1 epoch\", \"3 epochs\", \"30 s\", "
                    "\"10 min\" or \"2 h\"");
  };
  if (error != std::errc() || !(number >= 0) || number > 1e9) refuse();
  std::string_view unit(at, static_cast<size_t>(end - at));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  if (unit.empty() || unit == "epoch" || unit == "epochs") {
    if (number != std::floor(number)) refuse();
    return {.epochs = static_cast<uint32_t>(number)};
  }
  const double seconds = unit == "s" ? 1 : unit == "min" ? 60 : unit == "h" ? 3600 : 0;
  if (seconds == 0) refuse();
  return {.seconds = number * seconds};
}

}  // namespace hemiola
