#include "hemiola/data/libsvm.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

using test::error_of;

class LibsvmTest : public testing::Test {
 protected:
  SparseExamples read(const std::string& text, const LibsvmOptions& options = {}) {
    return read_libsvm(folder_.write("file.svm", text), options).examples;
  }
  std::string error(const std::string& text, const LibsvmOptions& options = {}) {
    const std::string path = folder_.write("file.svm", text);
    const std::string all = error_of([&] { read_libsvm(path, options); });
    const size_t at = all.find(path);
    return at == std::string::npos ? all
                                   : all.substr(0, at) + "FILE" + all.substr(at + path.size());
  }
  test::TempFolder folder_;
  const SparseExamples ones_{{0, 2, 2, 3}, {0, 3, 8}, {}, {1, -1, 1}, 9};
  const SparseExamples mixed_{{0, 2, 3}, {0, 3, 8}, {0.5F, 1, -2}, {1, -1}, 9};
};

TEST_F(LibsvmTest, Ones_need_no_values) {
  EXPECT_EQ(read("+1 1:1 4:1\n-1\n+1 9:1\n"), ones_);
  EXPECT_EQ(read("1 1:1 4:1.0\n-1 \n1 9:1\n"), ones_);
}

TEST_F(LibsvmTest, Values_are_kept) { EXPECT_EQ(read("+1 1:.5 4:1\n-1 9:-2\n"), mixed_); }

TEST_F(LibsvmTest, A_value_far_behind_ones_gives_values_to_all) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "1 3:1 5:1\n";
  const SparseExamples examples = read(text + "-1 1:7\n");
  ASSERT_EQ(examples.value.size(), 400'001u);
  EXPECT_EQ(std::count(examples.value.begin(), examples.value.end(), 1.0F), 400'000);
  EXPECT_EQ(examples.value.back(), 7);
  EXPECT_EQ(examples.offset.back(), 400'001u);
}

TEST_F(LibsvmTest, Line_ends_blanks_and_comments_are_accepted) {
  EXPECT_EQ(read("+1 1:1 4:1\r\n-1\r\n+1 9:1\r\n"), ones_);
  EXPECT_EQ(read("+1 1:1 4:1\n-1\n+1 9:1"), ones_);
  EXPECT_EQ(read("# head\n\n+1 1:1 4:1 # 5:1\n  -1\t#x\n\t+1\t9:1  \n#\n"), ones_);
  EXPECT_EQ(read("+1 1:1 4:1#x\n-1#\n+1 9:1#\r\n"), ones_);
}

TEST_F(LibsvmTest, Indices_in_any_order_come_out_ascending) {
  EXPECT_EQ(read("+1 4:1 1:.5\n-1 9:-2\n"), mixed_);
}

TEST_F(LibsvmTest, An_index_that_occurs_twice_is_told) {
  EXPECT_EQ(error("1 2:1\n1 5:1 5:2\n"), "FILE:2: index 5 occurs twice in one line");
  EXPECT_EQ(error("1 2:1\n1 5:1 4:1 5:1\n"), "FILE:2: index 5 occurs twice in one line");
}

TEST_F(LibsvmTest, Files_that_count_from_0_are_read_when_told_so) {
  EXPECT_EQ(read("+1 0:.5 3:1\n-1 8:-2\n", {.first_index = 0}), mixed_);
  EXPECT_EQ(error("1 0:1\n"),
            "FILE:1: index 0 is out of range: indices go from 1 to 4294967294 "
            "(set first_index = 0 if the file counts from 0)");
}

TEST_F(LibsvmTest, Three_spellings_of_two_classes_become_minus_and_plus_one) {
  const std::vector<float> want{-1, 1, -1};
  EXPECT_EQ(read("-1\n+1\n-1\n").label, want);
  EXPECT_EQ(read("0\n1\n0\n").label, want);
  EXPECT_EQ(read("1\n2\n1\n").label, want);
  EXPECT_EQ(read("1.0\n2e0\n1\n").label, want);
  EXPECT_EQ(read("1\n1\n").label, (std::vector<float>{1, 1}));
  EXPECT_EQ(read("2\n").label, (std::vector<float>{1}));
  EXPECT_EQ(read("0\n").label, (std::vector<float>{-1}));
}

TEST_F(LibsvmTest, A_test_file_is_read_with_the_classes_of_its_training_file) {
  const LibsvmFile train = read_libsvm(folder_.write("train", "1 1:1\n2 1:1\n"));
  EXPECT_EQ(train.classes, (Classes{1, 2}));
  const LibsvmOptions options{.classes = train.classes};
  EXPECT_EQ(read("1\n1\n", options).label, (std::vector<float>{-1, -1}));
  EXPECT_EQ(error("1\n0\n", options),
            "FILE:2: the label 0 is not a class: the training data have 1 and 2, and 1 stands in "
            "line 1");
}

TEST_F(LibsvmTest, Labels_that_are_no_classes_are_told) {
  const std::string want =
      " is not a class: two classes are wanted, written -1 and 1, 0 and 1, "
      "or 1 and 2";
  EXPECT_EQ(error("3 1:1\n"), "FILE:1: the label 3" + want);
  EXPECT_EQ(error("1\n\n1\n-1\n2.5\n"),
            "FILE:5: the label 2.5" + want + ", and 1 stands in line 1");
  EXPECT_EQ(error("1\n2\n0\n"), "FILE:3: the label 0" + want + ", and 1 stands in line 1");
}

TEST_F(LibsvmTest, Labels_of_a_regression_are_kept) {
  EXPECT_EQ(read("3.25 1:1\n-1e3\n0\n", {.classify = false}).label,
            (std::vector<float>{3.25F, -1000, 0}));
}

TEST_F(LibsvmTest, A_broken_line_is_shown_with_its_place) {
  const std::string want = "expected `label index:value ...`, found ";
  EXPECT_EQ(error("1 1:1\nabc 1:1\n"), "FILE:2: " + want + "`abc 1:1`");
  EXPECT_EQ(error("1:1 2:1\n"), "FILE:1: " + want + "`1:1 2:1`");
  EXPECT_EQ(error("1,2 2:1\n"), "FILE:1: " + want + "`1,2 2:1`");
  for (const std::string entry :
       {"abc", "1", "1:", ":1", "1:x", "1:1x", "1;1", "qid:3", "1:1:1", "1.5:1", "0x2:1", "-:1"}) {
    EXPECT_EQ(error("1 1:1\n1 2:1 " + entry + " 9:1\n"),
              "FILE:2: expected `index:value`, found `" + entry + "`");
    EXPECT_EQ(error("1 1:1\n1 2:1 " + entry),
              "FILE:2: expected `index:value`, found `" + entry + "`");
  }
}

TEST_F(LibsvmTest, Indices_out_of_range_are_told) {
  for (const std::string index : {"-3", "4294967295", "99999999999999999999999"}) {
    EXPECT_EQ(error("1 1:1\n1 " + index + ":1\n"),
              "FILE:2: index " + index + " is out of range: indices go from 1 to 4294967294");
  }
  EXPECT_EQ(error("1 8:1\n", {.max_index = 7}),
            "FILE:1: index 8 is out of range: indices go from 1 to 7");
}

TEST_F(LibsvmTest, Numbers_that_are_not_finite_are_told) {
  for (const std::string value : {"nan", "-inf", "1e39", "1e999"}) {
    EXPECT_EQ(error("1 5:" + value + " 7:1\n"),
              "FILE:1: the value of `5:" + value + "` is not a finite number that fits a float");
    EXPECT_EQ(error(value + " 5:1\n"),
              "FILE:1: the label `" + value + "` is not a finite number that fits a float");
  }
}

TEST_F(LibsvmTest, A_file_without_examples_is_told) {
  EXPECT_EQ(error("1 1:1\n", {.max_index = UINT32_MAX}), "max_index can be at most 4294967294");
  EXPECT_EQ(error(""), "FILE is empty");
  EXPECT_EQ(error("# nothing\n\n"), "FILE holds no examples");
}

TEST_F(LibsvmTest, Every_cut_and_every_broken_byte_ends_well) {
  const std::string good = "+1 1:0.25 40:1 # c\r\n-1 12345678:1 123456789:2e-3\n1 2:3\n";
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_NO_FATAL_FAILURE(error(good.substr(0, i)));
    for (const int byte : {0, 10, 13, 32, 35, 45, 48, 58, 65, 255}) {
      std::string bent = good;
      bent[i] = static_cast<char>(byte);
      const std::string said = error(bent);
      EXPECT_TRUE(said == "no error" || said.starts_with("FILE")) << said;
    }
  }
}

TEST_F(LibsvmTest, Threads_do_not_change_what_is_read) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) {
    text += (i % 3 ? "1 " : "-1 ") + std::to_string(i + 1) + ":1 " + std::to_string(i + 7) + ":" +
            std::to_string(i % 9) + "\n";
  }
  const std::string path = folder_.write("many", text);
  const SparseExamples one = read_libsvm(path).examples;
  EXPECT_EQ(one.rows(), 200'000u);
  EXPECT_EQ(one.features, 200'006u);
  EXPECT_TRUE(one == read_libsvm(path, {}, test::on_threads).examples);
}

TEST(LibsvmDataTest, Adult_has_its_published_counts) {
  const std::string train = test::shared_data("a9a/a9a.zst");
  const std::string test = test::shared_data("a9a/a9a.t.zst");
  if (train.empty() || test.empty()) GTEST_SKIP() << "../shared/data/a9a is not here";
  const auto positive = [](const SparseExamples& e) {
    return std::count(e.label.begin(), e.label.end(), 1.0F);
  };
  const LibsvmFile a = read_libsvm(train);
  EXPECT_EQ(a.examples.rows(), 32'561u);
  EXPECT_EQ(a.examples.nonzeros(), 451'592u);
  EXPECT_EQ(a.examples.features, 123u);
  EXPECT_EQ(positive(a.examples), 7841);
  EXPECT_TRUE(a.examples.value.empty());
  const SparseExamples t = read_libsvm(test, {.classes = a.classes}).examples;
  EXPECT_EQ(t.rows(), 16'281u);
  EXPECT_EQ(t.nonzeros(), 225'731u);
  EXPECT_EQ(positive(t), 3846);
}

}  // namespace
}  // namespace hemiola
