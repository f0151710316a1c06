#include "hemiola/train/export.h"

#include <gtest/gtest.h>

#include <cstring>
#include <sstream>

#include "hemiola/data/npy.h"
#include "hemiola/train/model_for_test.h"

namespace hemiola {
namespace {

std::string bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * 4};
}

class Export : public testing::Test {
 protected:
  void SetUp() override {
    Manifest about;
    about.job = "job";
    about.model = "word2vec";
    save_model(folder.path("run/model"), about,
               {{"input", {{1, -0.5f}, {0.1f, 1e-20f}, {3, 4}}, {"one", "new york", "a\"b,c"}, 1},
                {"output", {{7}, {8}}, {}}},
               2);
  }

  std::string exported(const std::string& format, const std::string& table = "",
                       const std::string& out = "") {
    std::ostringstream said;
    export_model({folder.path("run"), format, table, out.empty() ? out : folder.path(out)}, said);
    return said.str();
  }

  const test::TempFolder folder;
};

TEST_F(Export, Npy_has_a_file_for_each_table_and_names_beside) {
  EXPECT_EQ(exported("npy"), folder.path("run/export/input.npy") + ": 3 x 2 floats, 152 B\n" +
                                 folder.path("run/export/input.names.txt") +
                                 ": 3 names, a line each, 19 B\n" +
                                 folder.path("run/export/output.npy") + ": 2 x 1 floats, 136 B\n");
  EXPECT_EQ(folder.read("run/export/input.npy"),
            npy_header(3, 2) + bytes_of({1, -0.5f, 0.1f, 1e-20f, 3, 4}));
  EXPECT_EQ(folder.read("run/export/input.names.txt"), "one\nnew york\na\"b,c\n");
  EXPECT_EQ(folder.read("run/export/output.npy"), npy_header(2, 1) + bytes_of({7, 8}));
}

TEST_F(Export, Csv_quotes_what_must_be_and_keeps_every_bit) {
  exported("csv");
  EXPECT_EQ(folder.read("run/export/input.csv"),
            "name,v0,v1\none,1,-0.5\nnew york,0.1,1e-20\n\"a\"\"b,c\",3,4\n");
  EXPECT_EQ(folder.read("run/export/output.csv"), "row,v0\n0,7\n1,8\n");
}

TEST_F(Export, The_formats_of_word2vec_take_the_first_table_and_have_no_blanks_in_words) {
  EXPECT_EQ(exported("word2vec"),
            folder.path("run/export/input.txt") +
                ": 3 x 2 floats, 44 B\n1 names have _ where they had blanks\n");
  EXPECT_EQ(folder.read("run/export/input.txt"),
            "3 2\none 1 -0.5\nnew_york 0.1 1e-20\na\"b,c 3 4\n");
  exported("word2vec-binary");
  EXPECT_EQ(folder.read("run/export/input.bin"), "3 2\none " + bytes_of({1, -0.5f}) +
                                                     "\nnew_york " + bytes_of({0.1f, 1e-20f}) +
                                                     "\na\"b,c " + bytes_of({3, 4}) + "\n");
  EXPECT_FALSE(folder.has("run/export/output.txt"));
  exported("word2vec", "output");
  EXPECT_EQ(folder.read("run/export/output.txt"), "2 1\n0 7\n1 8\n");
}

TEST_F(Export, Safetensors_has_all_tables_in_one_file_in_order_of_their_rows) {
  EXPECT_EQ(exported("safetensors"),
            folder.path("run/export/model.safetensors") + ": input 3 x 2, output 2 x 1, 288 B\n" +
                folder.path("run/export/input.names.txt") + ": 3 names, a line each, 19 B\n");
  const SafetensorsFile file(folder.path("run/export/model.safetensors"));
  ASSERT_EQ(file.tensors().size(), 2U);
  const auto data = file.data(file.tensor("input", DType::f32, 2));
  const std::string wanted = bytes_of({1, -0.5f, 0.1f, 1e-20f, 3, 4});
  ASSERT_EQ(data.size(), wanted.size());
  EXPECT_EQ(std::memcmp(data.data(), wanted.data(), wanted.size()), 0);
  exported("safetensors", "output");
  EXPECT_EQ(SafetensorsFile(folder.path("run/export/output.safetensors")).tensors().size(), 1U);
}

TEST_F(Export, Out_names_a_file_or_where_there_are_several_a_folder) {
  exported("csv", "output", "here/there.csv");
  EXPECT_TRUE(folder.has("here/there.csv"));
  exported("csv", "output", "here");
  EXPECT_TRUE(folder.has("here/output.csv"));
  exported("csv", "", "both");
  EXPECT_TRUE(folder.has("both/input.csv") && folder.has("both/output.csv"));
  exported("npy", "input", "vectors.npy");
  EXPECT_TRUE(folder.has("vectors.npy") && folder.has("vectors.names.txt"));
  exported("safetensors", "", "all.safetensors");
  EXPECT_TRUE(folder.has("all.safetensors") && folder.has("input.names.txt"));
  exported("word2vec", "", "new/");
  EXPECT_TRUE(folder.has("new/input.txt"));
}

TEST_F(Export, What_cannot_be_is_one_sentence) {
  EXPECT_EQ(refusal_of([&] { exported("xlsx"); }),
            "--to knows npy, csv, word2vec, word2vec-binary and safetensors, not `xlsx`");
  EXPECT_EQ(
      refusal_of([&] { exported("csv", "inputs"); }),
      "there is no table `inputs` in " + folder.path("run/model") + ": did you mean `input`?");
  folder.write("file", "");
  EXPECT_EQ(refusal_of([&] { exported("csv", "input", "file/x.csv"); }),
            "cannot make the folder " + folder.path("file") + ": Not a directory");
}

}  // namespace
}  // namespace hemiola
