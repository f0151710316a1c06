#include "hemiola/data/json.h"

#include <gtest/gtest.h>

#include <limits>

#include "hemiola/core/random.h"
#include "hemiola/data/test_files.h"

namespace hemiola {
namespace {

using test::error_of;

std::string refusal(const std::string& text) {
  return error_of([&] { parse_json(text, "file"); });
}

TEST(Json, All_kinds_of_values_are_read) {
  const Json json = parse_json(
      R"( {"a": [1, -2.5e3, true, false, null], "b": {"c": "d"}, "e": {}, "f": []} )", "file");
  const Json::Array& a = *json.find("a")->array();
  ASSERT_EQ(a.size(), 5U);
  EXPECT_EQ(*a[0].number(), 1);
  EXPECT_EQ(*a[1].number(), -2500);
  EXPECT_TRUE(*a[2].boolean());
  EXPECT_FALSE(*a[3].boolean());
  EXPECT_TRUE(a[4].is_null());
  EXPECT_EQ(*json.find("b")->find("c")->text(), "d");
  EXPECT_TRUE(json.find("e")->object()->empty());
  EXPECT_TRUE(json.find("f")->array()->empty());
  EXPECT_EQ(json.find("g"), nullptr);
  EXPECT_EQ(a[0].find("x"), nullptr);
}

TEST(Json, Escapes_and_surrogate_pairs_become_characters) {
  const Json json = parse_json(R"("\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\ude00")", "file");
  EXPECT_EQ(*json.text(), "\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
}

TEST(Json, Whole_numbers_are_told_from_others) {
  const auto whole = [](const char* text) {
    uint64_t n = 77;
    return parse_json(text, "file").whole(n) ? n : 77;
  };
  EXPECT_EQ(whole("0"), 0U);
  EXPECT_EQ(whole("9007199254740992"), 9007199254740992U);
  for (const char* text : {"-1", "1.5", "1e300", "true", "\"3\"", "null", "[3]"}) {
    EXPECT_EQ(whole(text), 77U) << text;
  }
}

TEST(Json, What_is_written_is_read_back) {
  const Json json = Json::Object{{"text", "a\"b\\c\n\t\x01 \xC3\xA9"},
                                 {"number", 0.1},
                                 {"whole", uint64_t{123456789012}},
                                 {"list", Json::Array{1.0, true, Json(), Json::Array{}}},
                                 {"empty", Json::Object{}}};
  for (const unsigned indent : {0U, 1U, 9U}) {
    EXPECT_EQ(parse_json(to_text(json, indent), "file"), json) << indent;
  }
  EXPECT_EQ(to_text(Json::Object{{"a", Json::Array{1.0, 2.5}}, {"b", "c"}}),
            R"({"a": [1, 2.5], "b": "c"})");
  EXPECT_EQ(to_text(Json::Object{{"a", Json::Array{1.0}}, {"b", "c"}}, 1),
            "{\n  \"a\": [1],\n  \"b\": \"c\"\n}");
}

TEST(Json, What_JSON_cannot_hold_is_replaced) {
  EXPECT_EQ(to_text("a\xFF\xC3z"), "\"a\xEF\xBF\xBD\xEF\xBF\xBDz\"");
  EXPECT_EQ(to_text("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");  // a surrogate
  EXPECT_EQ(to_text(std::numeric_limits<double>::infinity()), "null");
}

TEST(Json, Each_mistake_is_one_sentence_with_its_place) {
  EXPECT_EQ(refusal(""), "file: expected a value, at byte 0");
  EXPECT_EQ(refusal("[1 2]"), "file: expected `,` or `]`, at byte 3");
  EXPECT_EQ(refusal("[1]]"), "file: something stands behind the end of the JSON, at byte 3");
  EXPECT_EQ(refusal("{\"a\" 1}"), "file: expected `:` behind the key, at byte 5");
  EXPECT_EQ(refusal("{a: 1}"), "file: expected a key in quotes, at byte 1");
  EXPECT_EQ(refusal(R"({"a": 1, "a": 2})"), "file: a key occurs twice in an object, at byte 16");
  EXPECT_EQ(refusal("\"abc"), "file: a text has no end, at byte 4");
  EXPECT_EQ(refusal("\"a\nb\""), "file: a control character stands in a text, at byte 2");
  EXPECT_EQ(refusal("9007199254740993000"), "file: a whole number is beyond 2^53, at byte 0");
  EXPECT_EQ(refusal("1e999"), "file: a number is out of range, at byte 0");
  EXPECT_EQ(refusal("\"a\xFF\""), "file: a text is no UTF-8, at byte 2");
  for (const char* text :
       {"01", "1.", "-", "+1", "nan", "inf", "0x10", "tru", R"("\x")", R"("\u12)", R"("\ud800")",
        R"("\ud800\u0041")", R"("\udc00")", "[1,]", "{\"a\":}", "{,}", "\"\\"}) {
    EXPECT_NE(refusal(text), "no error") << text;
  }
}

TEST(Json, Deep_nesting_is_refused_and_not_followed) {
  EXPECT_EQ(refusal(std::string(1'000'000, '[')),
            "file: the JSON is nested too deeply, at byte 65");
}

TEST(Json, Damaged_text_is_read_or_refused_but_never_more) {
  const std::string good =
      R"({"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "\u00e9": -1.5e2})";
  Random random(5);
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text =
        good.substr(0, random.below(8) == 0 ? random.below(good.size()) : good.size());
    for (uint64_t n = random.below(4); n > 0 && !text.empty(); --n) {
      text[random.below(text.size())] = static_cast<char>(random.below(256));
    }
    // What was read can be written and read again.
    refused += refusal(text) != "no error";
    if (refusal(text) != "no error") continue;
    const std::string again = to_text(parse_json(text, "file"));
    EXPECT_EQ(to_text(parse_json(again, "file")), again);
  }
  EXPECT_GT(refused, 5'000);
}

}  // namespace
}  // namespace hemiola
