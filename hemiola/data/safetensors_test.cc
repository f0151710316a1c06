#include "hemiola/data/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "hemiola/core/random.h"
#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

using test::error_of;
using test::read_all;
using test::TempFolder;

// The bytes of a file with this header and so much data.
std::string file_with(const std::string& header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data_bytes, '\1');
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\": {\"dtype\": \"" + dtype + "\", \"shape\": " + shape +
         ", \"data_offsets\": " + offsets + "}";
}

// What a reader says of such a file, behind the words that all of them begin with.
std::string refusal(const std::string& bytes) {
  const TempFolder folder;
  const std::string path = folder.write("a.safetensors", bytes);
  const std::string said = error_of([&] { SafetensorsFile file(path); });
  const std::string begin = path + " is no safetensors file that can be read: ";
  return said.starts_with(begin) ? said.substr(begin.size()) : said;
}

std::vector<float> floats_of(const SafetensorsFile& file, const std::string& name) {
  const auto data = file.data(*file.find(name));
  std::vector<float> values(data.size() / 4);
  std::memcpy(values.data(), data.data(), data.size());
  return values;
}

TEST(Safetensors, What_is_written_in_pieces_is_read_back) {
  const TempFolder folder;
  const std::string path = folder.path("a.safetensors");
  std::vector<uint32_t> keys(100'000);
  std::vector<float> values(300'000);
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<uint32_t>(i * 7);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) - 0.25f;
  SafetensorsWriter writer(
      path, {{"keys", DType::u32, {keys.size()}}, {"values", DType::f32, {keys.size(), 3}}},
      {{"table", "entities"}});
  writer.write(std::span<const uint32_t>(keys));
  for (size_t i = 0; i < values.size(); i += 3) writer.write(std::span<const float>(&values[i], 3));
  writer.finish();
  EXPECT_FALSE(std::filesystem::exists(path));
  writer.commit();

  const SafetensorsFile file(path);
  EXPECT_EQ(file.metadata(), (TextPairs{{"table", "entities"}}));
  ASSERT_EQ(file.tensors().size(), 2U);
  const TensorInfo& k = file.tensor("keys", DType::u32, 1);
  EXPECT_EQ(std::memcmp(file.data(k).data(), keys.data(), keys.size() * 4), 0);
  EXPECT_EQ(file.tensor("values", DType::f32, 2).shape, (std::vector<uint64_t>{100'000, 3}));
  EXPECT_EQ(floats_of(file, "values"), values);
  EXPECT_EQ(file.bytes(), writer.bytes());
  EXPECT_EQ(file.crc32(), writer.crc32());
  EXPECT_EQ(std::filesystem::file_size(path), writer.bytes());
}

TEST(Safetensors, The_bytes_are_those_of_the_format) {
  const TempFolder folder;
  const std::string path = folder.path("a.safetensors");
  SafetensorsWriter writer(path, {{"x", DType::f32, {2}}});
  writer.write(std::vector<float>{1, 2});
  writer.commit();
  std::string header = R"({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})";
  header.resize(120, ' ');  // with the length before it a multiple of 64
  const float data[] = {1, 2};
  EXPECT_EQ(read_all(path),
            file_with(header, 0) + std::string(reinterpret_cast<const char*>(data), sizeof data));
}

TEST(Safetensors, An_empty_tensor_and_a_scalar_and_none_at_all_are_fine) {
  const TempFolder folder;
  const std::string path = folder.path("a.safetensors");
  SafetensorsWriter writer(path, {{"none", DType::f32, {0, 3}}, {"one", DType::f32, {}}});
  writer.write(std::vector<float>{5});
  writer.commit();
  const SafetensorsFile file(path);
  EXPECT_EQ(file.data(file.tensor("none", DType::f32, 2)).size(), 0U);
  EXPECT_EQ(floats_of(file, "one"), std::vector<float>{5});
  EXPECT_EQ(refusal(file_with("{}", 0)), "no error");
}

TEST(Safetensors, Tensors_of_other_types_and_in_any_order_do_no_harm) {
  const TempFolder folder;
  const std::string path =
      folder.write("a.safetensors", file_with("{" + entry("late", "F32", "[1]", "[9, 13]") + "," +
                                                  entry("bytes", "U8", "[5]", "[4, 9]") + "," +
                                                  entry("early", "U32", "[1]", "[0, 4]") + "}  \n",
                                              13));
  const SafetensorsFile file(path);
  EXPECT_EQ(file.tensors().size(), 2U);
  EXPECT_EQ(file.data(*file.find("late")).size(), 4U);  // at an odd place in the file
  EXPECT_EQ(file.find("bytes"), nullptr);
}

TEST(Safetensors, A_file_that_was_not_committed_leaves_the_old_one_as_it_was) {
  const TempFolder folder;
  const std::string path = folder.write("a.safetensors", "old");
  {
    SafetensorsWriter writer(path, {{"x", DType::f32, {1}}});
    writer.write(std::vector<float>{1});
    writer.finish();
  }
  EXPECT_EQ(read_all(path), "old");
}

TEST(Safetensors, A_file_that_cannot_be_there_is_named) {
  const TempFolder folder;
  const auto said = [&](const std::string& path) {
    return error_of([&] { SafetensorsFile file(path); });
  };
  EXPECT_EQ(said(folder.path("none")),
            "cannot read " + folder.path("none") + ": No such file or directory");
  EXPECT_EQ(said(folder.path("")), "cannot read " + folder.path("") + ": it is no regular file");
  EXPECT_EQ(said(folder.write("short", "1234567")),
            "cannot read " + folder.path("short") + ": it has only 7 bytes");
  EXPECT_NE(error_of([&] { SafetensorsWriter(folder.path("no/where"), {}); }), "no error");
}

TEST(Safetensors, Each_lie_of_a_header_is_one_sentence) {
  std::string huge = file_with("{}", 0);
  huge[7] = '\x7F';
  EXPECT_EQ(refusal(huge), "its header would have 9151314442816847874 bytes, more than 100000000");
  EXPECT_EQ(refusal(file_with("{}", 0).substr(0, 9)),
            "its header would have 2 bytes, the file has 9");
  EXPECT_EQ(refusal(file_with(" {}", 0)), "its header does not begin with `{`");
  EXPECT_EQ(refusal(file_with("{\"a\": ", 0)), "expected a value, at byte 6");
  EXPECT_EQ(refusal(file_with("{\"__metadata__\": 3}", 0)), "its `__metadata__` is no object");
  EXPECT_EQ(refusal(file_with("{\"__metadata__\": {\"a\": 3}}", 0)),
            "its `__metadata__` holds something that is no text");
  EXPECT_EQ(refusal(file_with("{\"x\": 1}", 0)), "tensor `x` has no `dtype`");
  EXPECT_EQ(refusal(file_with("{\"x\": {\"dtype\": 4}}", 0)), "tensor `x` has no `dtype`");
  const auto one = [](const std::string& dtype, const std::string& shape,
                      const std::string& offsets) {
    return refusal(file_with("{" + entry("x", dtype, shape, offsets) + "}", 8));
  };
  EXPECT_EQ(one("F33", "[2]", "[0, 8]"), "tensor `x` has the unknown dtype `F33`");
  for (const char* offsets : {"[0]", "8", "[0, 8, 9]", "[-1, 8]", "[0, 8.5]", "[\"0\", 8]"}) {
    EXPECT_EQ(one("F32", "[2]", offsets), "tensor `x` has no `data_offsets` of two whole numbers");
  }
  EXPECT_EQ(one("F32", "[2]", "[8, 0]"),
            "tensor `x` has data from byte 8 to 0, but the file has 8 bytes of data");
  EXPECT_EQ(one("F32", "[4]", "[0, 16]"),
            "tensor `x` has data from byte 0 to 16, but the file has 8 bytes of data");
  EXPECT_EQ(one("F32", "2", "[0, 8]"), "tensor `x` has no `shape`");
  EXPECT_EQ(one("F32", "[-2]", "[0, 8]"),
            "tensor `x` has a `shape` that is not made of whole numbers");
  EXPECT_EQ(one("F32", "[3]", "[0, 8]"), "tensor `x` has 8 bytes, but its shape asks for 12");
  EXPECT_EQ(one("F32", "[4294967296, 4294967296]", "[0, 8]"),
            "tensor `x` has a `shape` that is too large");
  EXPECT_EQ(one("F32", "[1]", "[0, 4]"), "it has 8 bytes of data, but its tensors end at byte 4");
  EXPECT_EQ(one("F32", "[1]", "[4, 8]"), "there is a gap before the data of tensor `x`");
  EXPECT_EQ(refusal(file_with("{" + entry("x", "F32", "[2]", "[0, 8]") + "," +
                                  entry("y", "F32", "[2]", "[4, 12]") + "}",
                              12)),
            "the data of tensor `y` overlap with another tensor's");
}

TEST(Safetensors, A_tensor_that_is_not_as_asked_for_is_told_by_name) {
  const TempFolder folder;
  const std::string path = folder.path("a.safetensors");
  SafetensorsWriter writer(path, {{"x", DType::f32, {1, 1}}});
  writer.write(std::vector<float>{5});
  writer.commit();
  const SafetensorsFile file(path);
  const auto said = [&](const char* name, DType dtype, size_t dimensions) {
    return error_of([&] { file.tensor(name, dtype, dimensions); });
  };
  const std::string begin = path + " is no safetensors file that can be read: ";
  EXPECT_EQ(said("y", DType::f32, 2),
            begin + "tensor `y` is missing, or of a type that is not read here");
  EXPECT_EQ(said("x", DType::u32, 2), begin + "tensor `x` holds F32 where U32 is expected");
  EXPECT_EQ(said("x", DType::f32, 1), begin + "tensor `x` has 2 dimensions, not 1");
  EXPECT_EQ(said("x", DType::f32, 2), "no error");
}

// Bytes changed, cut off or put in: a reader refuses in one sentence or reads what it can prove.
TEST(Safetensors, Damaged_files_are_refused_or_read_but_never_more) {
  const TempFolder folder;
  const std::string path = folder.path("a.safetensors");
  SafetensorsWriter writer(path, {{"keys", DType::u32, {4}}, {"values", DType::f32, {4, 2}}});
  writer.write(std::vector<uint32_t>{0, 1, 2, 3});
  writer.write(std::vector<float>(8, 1));
  writer.commit();
  const std::string good = read_all(path);
  const size_t header_end = good.size() - 48;
  Random random(11);
  int refused = 0;
  for (int i = 0; i < 600; ++i) {
    std::string bytes = good;
    if (random.chance(0.2)) bytes.resize(random.below(good.size()));
    if (random.chance(0.2)) bytes += std::string(random.below(9), 'x');
    for (uint64_t n = random.below(4); n > 0; --n) {
      const size_t at = random.below(header_end);
      if (at < bytes.size())
        bytes[at] = static_cast<char>(random.below(random.chance(.5) ? 256 : 58));
    }
    folder.write("b", bytes);
    const std::string said = error_of([&] {
      const SafetensorsFile file(folder.path("b"));
      uint64_t seen = 0;
      for (const TensorInfo& t : file.tensors()) {
        EXPECT_NE(crc32(file.data(t)), 1U);  // touches every byte
        seen += t.bytes();
      }
      EXPECT_LE(seen, bytes.size());
    });
    EXPECT_EQ(said.find('\n'), said.npos);
    refused += said != "no error";
  }
  EXPECT_GT(refused, 200);
  EXPECT_LT(refused, 600);
}

TEST(Safetensors, The_checksum_is_that_of_zip) {
  const std::string text = "123456789";
  EXPECT_EQ(crc32(std::as_bytes(std::span(text))), 0xCBF43926U);
  const auto bytes = std::as_bytes(std::span(text));
  EXPECT_EQ(crc32(bytes.subspan(4), crc32(bytes.first(4))), 0xCBF43926U);
}

}  // namespace
}  // namespace hemiola
