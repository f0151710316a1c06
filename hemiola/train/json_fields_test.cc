#include "hemiola/train/json_fields.h"

#include <gtest/gtest.h>

#include <cmath>

#include "hemiola/train/model_for_test.h"

namespace hemiola {
namespace {

TEST(JsonFields, What_is_there_is_given_as_what_it_is) {
  const Json json = parse_json(
      R"({"a": "x", "b": 7, "c": 0.5, "d": null, "e": [1], "f": {"g": 1}, "h": "x.bin"})", "test");
  const JsonFields fields("it");
  EXPECT_EQ(fields.text(json, "a"), "x");
  EXPECT_EQ(fields.small(json, "b"), 7U);
  EXPECT_EQ(fields.number(json, "c"), 0.5);
  EXPECT_TRUE(std::isnan(fields.number(json, "d")));
  EXPECT_EQ(fields.array(json, "e").size(), 1U);
  EXPECT_EQ(fields.object(json, "f").size(), 1U);
  EXPECT_EQ(fields.file_name(json, "h"), "x.bin");
}

TEST(JsonFields, What_is_not_as_it_should_be_is_told_by_its_name) {
  const Json json = parse_json(R"({"a": "x", "b": -7, "big": 5000000000, "up": "../x"})", "test");
  const JsonFields fields("that.json is wrong");
  const auto said = [&](auto&& read) { return refusal_of([&] { read(); }); };
  EXPECT_EQ(said([&] { fields.text(json, "z"); }), "that.json is wrong: `z` is missing");
  EXPECT_EQ(said([&] { fields.text(json, "b"); }), "that.json is wrong: `b` is no text");
  EXPECT_EQ(said([&] { fields.small(json, "b"); }), "that.json is wrong: `b` is no whole number");
  EXPECT_EQ(said([&] { fields.small(json, "big"); }), "that.json is wrong: `big` is too large");
  EXPECT_EQ(said([&] { fields.number(json, "a"); }), "that.json is wrong: `a` is no number");
  EXPECT_EQ(said([&] { fields.object(json, "a"); }), "that.json is wrong: `a` is no object");
  EXPECT_EQ(said([&] { fields.array(json, "a"); }), "that.json is wrong: `a` is no list");
  EXPECT_NE(said([&] { fields.file_name(json, "up"); }).find("no name of a file"),
            std::string::npos);
}

}  // namespace
}  // namespace hemiola
