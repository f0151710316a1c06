#include "hemiola/data/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr unsigned kDeepest = 64;
constexpr double kLargestWhole = 0x1.0p53;

void append_utf8(std::string& out, uint32_t code) {
  const auto tail = [&](unsigned shift) {
    out += static_cast<char>(0x80 | ((code >> shift) & 0x3F));
  };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    tail(6), tail(0);
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    tail(12), tail(6), tail(0);
  }
}

// Bytes of the UTF-8 character at the begin of `text`; 0: there is none.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char c = byte(0);
  const size_t length = c < 0x80                ? 1
                        : c >= 0xC2 && c < 0xE0 ? 2
                        : c >= 0xE0 && c < 0xF0 ? 3
                        : c >= 0xF0 && c < 0xF5 ? 4
                                                : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (c == 0xE0 && byte(1) < 0xA0) || (c == 0xF0 && byte(1) < 0x90);
  const bool beyond = (c == 0xED && byte(1) > 0x9F) || (c == 0xF4 && byte(1) > 0x8F);
  return overlong || beyond ? 0 : length;
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& place) : text_(text), place_(place) {}

  Json parse() {
    Json value = parse_value(0);
    skip_space();
    if (at_ < text_.size()) fail("something stands behind the end of the JSON");
    return value;
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    throw UserError(place_ + ": " + what + ", at byte " + std::to_string(at_));
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != text_.npos) ++at_;
  }

  void take(char wanted, const char* what) {
    if (at_ >= text_.size() || text_[at_] != wanted) fail(what);
    ++at_;
  }

  bool took(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  Json parse_value(unsigned depth) {
    if (depth > kDeepest) fail("the JSON is nested too deeply");
    skip_space();
    const char c = peek();
    if (c == '{') return parse_object(depth);
    if (c == '[') return parse_array(depth);
    if (c == '"') return parse_string();
    if (took("true")) return true;
    if (took("false")) return false;
    if (took("null")) return {};
    return parse_number();
  }

  Json parse_object(unsigned depth) {
    Json::Object object;
    std::vector<std::string> keys;
    ++at_;
    skip_space();
    if (took("}")) return object;
    do {
      skip_space();
      if (peek() != '"') fail("expected a key in quotes");
      std::string key = parse_string();
      skip_space();
      take(':', "expected `:` behind the key");
      keys.push_back(key);
      object.emplace_back(std::move(key), parse_value(depth + 1));
      skip_space();
    } while (took(","));
    take('}', "expected `,` or `}`");
    std::sort(keys.begin(), keys.end());
    if (std::adjacent_find(keys.begin(), keys.end()) != keys.end()) {
      fail("a key occurs twice in an object");
    }
    return object;
  }

  Json parse_array(unsigned depth) {
    Json::Array array;
    ++at_;
    skip_space();
    if (took("]")) return array;
    do {
      array.push_back(parse_value(depth + 1));
      skip_space();
    } while (took(","));
    take(']', "expected `,` or `]`");
    return array;
  }

  // -? (0 | 1-9 digits) (. digits)? (e digits)?, which is less than from_chars takes.
  Json parse_number() {
    const char* begin = text_.data() + at_;
    const char* end = text_.data() + text_.size();
    const char* digit = begin != end && *begin == '-' ? begin + 1 : begin;
    const auto is_digit = [&](const char* p) { return p != end && *p >= '0' && *p <= '9'; };
    if (!is_digit(digit)) fail("expected a value");
    if (*digit == '0' && is_digit(digit + 1)) fail("a number begins with 0");
    double value = 0;
    const auto [behind, error] = std::from_chars(begin, end, value);
    if (error != std::errc{}) fail("a number is out of range");
    if (behind[-1] == '.') fail("a number ends with its point");
    const bool whole = std::all_of(digit, behind, [&](const char& c) { return is_digit(&c); });
    if (whole && std::fabs(value) > kLargestWhole) fail("a whole number is beyond 2^53");
    at_ += static_cast<size_t>(behind - begin);
    return value;
  }

  std::string parse_string() {
    std::string out;
    ++at_;
    while (peek() != '"') {
      if (at_ >= text_.size()) fail("a text has no end");
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < 0x20) fail("a control character stands in a text");
      if (c == '\\') {
        ++at_;
        parse_escape(out);
        continue;
      }
      const size_t length = utf8_length(text_.substr(at_));
      if (length == 0) fail("a text is no UTF-8");
      out.append(text_.substr(at_, length));
      at_ += length;
    }
    ++at_;
    return out;
  }

  void parse_escape(std::string& out) {
    static constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    const char c = peek();
    ++at_;
    if (const size_t i = kFrom.find(c); i != kFrom.npos) {
      out += kTo[i];
    } else if (c == 'u') {
      uint32_t code = parse_hex();
      if (code >= 0xD800 && code < 0xDC00 && took("\\u")) {
        const uint32_t low = parse_hex();
        if (low < 0xDC00 || low > 0xDFFF) fail("half of a pair of \\u stands alone");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else if (code >= 0xD800 && code < 0xE000) {
        fail("half of a pair of \\u stands alone");
      }
      append_utf8(out, code);
    } else {
      fail("an unknown character stands behind a backslash");
    }
  }

  uint32_t parse_hex() {
    uint32_t code = 0;
    const std::string_view digits = text_.substr(std::min(at_, text_.size()), 4);
    const char* end = digits.data() + digits.size();
    const auto [behind, error] = std::from_chars(digits.data(), end, code, 16);
    if (digits.size() < 4 || error != std::errc{} || behind != end) {
      fail("\\u is not followed by four hexadecimal digits");
    }
    at_ += 4;
    return code;
  }

  std::string_view text_;
  const std::string& place_;
  size_t at_ = 0;
};

void append_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const char c = text[0];
    const size_t length = utf8_length(text);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  out += '"';
}

void append_number(std::string& out, double value) {
  char text[32];
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  const bool whole = std::fabs(value) <= kLargestWhole && value == std::floor(value);
  const auto done = whole ? std::to_chars(text, text + sizeof text, static_cast<int64_t>(value))
                          : std::to_chars(text, text + sizeof text, value);
  out.append(text, done.ptr);
}

struct Writer {
  std::string out;
  unsigned indent;

  void line(unsigned depth, bool broken) {
    if (!broken) return;
    out += '\n';
    out.append(size_t{2} * depth, ' ');
  }

  template <class Range, class Each>
  void list(const Range& entries, char open, char close, unsigned depth, const Each& each) {
    const bool broken = depth < indent && !entries.empty();
    out += open;
    bool first = true;
    for (const auto& entry : entries) {
      if (!first) out += broken ? "," : ", ";
      first = false;
      line(depth + 1, broken);
      each(entry);
    }
    line(depth, broken);
    out += close;
  }

  void write(const Json& value, unsigned depth) {
    if (const auto* b = value.boolean()) {
      out += *b ? "true" : "false";
    } else if (const auto* n = value.number()) {
      append_number(out, *n);
    } else if (const auto* t = value.text()) {
      append_string(out, *t);
    } else if (const auto* a = value.array()) {
      list(*a, '[', ']', depth, [&](const Json& entry) { write(entry, depth + 1); });
    } else if (const auto* o = value.object()) {
      list(*o, '{', '}', depth, [&](const auto& entry) {
        append_string(out, entry.first);
        out += ": ";
        write(entry.second, depth + 1);
      });
    } else {
      out += "null";
    }
  }
};

}  // namespace

const Json* Json::find(std::string_view key) const {
  if (const Object* entries = object()) {
    for (const auto& [name, value] : *entries) {
      if (name == key) return &value;
    }
  }
  return nullptr;
}

bool Json::whole(uint64_t& out) const {
  const double* n = number();
  if (!n || !(*n >= 0) || *n > kLargestWhole || *n != std::floor(*n)) return false;
  out = static_cast<uint64_t>(*n);
  return true;
}

Json parse_json(std::string_view text, const std::string& place) {
  return Parser(text, place).parse();
}

std::string to_text(const Json& value, unsigned indent) {
  Writer writer{{}, indent};
  writer.write(value, 0);
  return std::move(writer.out);
}

}  // namespace hemiola
