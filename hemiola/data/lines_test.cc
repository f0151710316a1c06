#include "hemiola/data/lines.h"

#include <gtest/gtest.h>

#include "hemiola/core/random.h"
#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

using test::error_of;

struct CountedPart {
  std::string text;
  uint64_t lines = 0;
  std::optional<LineError> error;
};

void count(std::string_view chunk, bool, CountedPart& part) {
  part.text = chunk;
  part.lines = 0;
  part.error.reset();
  for (size_t at = 0; at < chunk.size();) {
    const size_t end = std::min(chunk.find('\n', at), chunk.size());
    if (chunk.substr(at, end - at) == "bad") {
      part.error = LineError{part.lines + 1, "is bad"};
      return;
    }
    ++part.lines;
    at = end + 1;
  }
}

std::string numbered_lines(size_t lines) {
  Random random(3);
  std::string text;
  for (size_t i = 0; i < lines; ++i) {
    text += std::to_string(i) + std::string(random.below(60), 'x') + "\n";
  }
  return text;
}

TEST(LinesTest, Chunks_put_together_are_the_file_and_end_at_line_ends) {
  const test::TempFolder folder;
  std::string text = numbered_lines(3000);
  for (const bool newline_at_end : {true, false}) {
    if (!newline_at_end) text.pop_back();
    const std::string path = folder.write("lines", text);
    for (const size_t bytes : {1, 7, 100, 4096, 1 << 20}) {
      Chunks chunks(path, bytes);
      TextBuffer chunk;
      std::string all;
      while (chunks.next(chunk)) {
        all += chunk.text();
        EXPECT_TRUE(chunk.text().ends_with('\n') || all.size() == text.size());
      }
      EXPECT_TRUE(all == text) << bytes;
    }
  }
}

TEST(LinesTest, Parts_arrive_in_file_order_from_any_number_of_threads) {
  const test::TempFolder folder;
  const std::string text = numbered_lines(20'000);
  const std::string path = folder.write("lines", text);
  for (const Runner& run : {Runner(in_order), Runner(test::on_threads)}) {
    Chunks chunks(path, 10'000);
    std::string all;
    const uint64_t lines = parse_lines<CountedPart>(
        chunks, run, count, [&](const CountedPart& part) { all += part.text; });
    EXPECT_EQ(lines, 20'000u);
    EXPECT_TRUE(all == text);
  }
}

TEST(LinesTest, The_first_broken_line_is_named_by_its_number_in_the_file) {
  const test::TempFolder folder;
  const std::string head = numbered_lines(12'345);
  const std::string path = folder.write("lines", head + "bad\n" + head + "bad\n");
  for (const Runner& run : {Runner(in_order), Runner(test::on_threads)}) {
    Chunks chunks(path, 10'000);
    EXPECT_EQ(
        error_of([&] { parse_lines<CountedPart>(chunks, run, count, [](const CountedPart&) {}); }),
        path + ":12346: is bad");
  }
}

TEST(LinesTest, What_cannot_be_read_is_told_after_the_lines_before_it) {
  const test::TempFolder folder;
  const std::string packed = test::gzip(numbered_lines(12'345));
  const std::string path = folder.write("lines.gz", packed.substr(0, packed.size() - 9));
  Chunks chunks(path, 10'000);
  size_t seen = 0;
  EXPECT_EQ(error_of([&] {
              parse_lines<CountedPart>(chunks, in_order, count,
                                       [&](const CountedPart& part) { seen += part.lines; });
            }),
            path + " ends in the middle of the compressed data");
  EXPECT_GT(seen, 10'000u);
}

TEST(LinesTest, A_file_without_line_ends_is_refused_in_bounded_memory) {
  const test::TempFolder folder;
  const std::string path = folder.write("zeros.gz", test::gzip(std::string(70 << 20, '\0')));
  Chunks chunks(path);
  TextBuffer chunk;
  EXPECT_TRUE(error_of([&] {
                chunks.next(chunk);
              }).starts_with(path + " has a line of over 64 MB: is it a text file?"));
}

TEST(LinesTest, Lines_are_shown_so_that_a_terminal_survives) {
  const std::string text = "first\nsec\tond\x1b[2J\xff\r\nthird";
  EXPECT_EQ(shown_line(text, text.data()), "`first`");
  EXPECT_EQ(shown_line(text, text.data() + 5), "`first`");
  EXPECT_EQ(shown_line(text, text.data() + 8), "`sec ond\\x1b[2J\\xff`");
  EXPECT_EQ(shown_line(text, text.data() + text.size()), "`third`");
  EXPECT_EQ(shown(std::string(100, 'a')), "`" + std::string(60, 'a') + "...`");
}

}  // namespace
}  // namespace hemiola
