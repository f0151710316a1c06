"""Each rule of tidy.py fires on a bad snippet, and on no good one."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import tidy  # noqa: E402

GUARD = "#pragma once\n"
LONG_BODY = "  work();\n" * 70


def complaints(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return [f"{path}:{line}: {text}" for path, line, text in tidy.complaints(root)[1]]


BAD = {
    "a long line": ("bench/a.cc", "int x;\n// " + "x" * 100 + "\n", "bench/a.cc:2: 103 columns"),
    "a long file": ("bench/a.cc", "\n" * 501, "bench/a.cc:501: 501 lines"),
    "a long function": (
        "bench/a.cc", "namespace n {\n\nvoid f(int x) {\n" + LONG_BODY + "}\n}\n",
        "bench/a.cc:3: a function of 72 lines"),
    "a long method": (
        "bench/a.cc", "class A {\n public:\n  void f() const {\n" + LONG_BODY + "  }\n};\n",
        "bench/a.cc:3: a function of 72 lines"),
    "a long Python function": (
        "bench/a.py", "def f():\n" + "    x = 1\n" * 70, "bench/a.py:1: a function of 71 lines"),
    "a look upstairs": (
        "hemiola/net/a.h", GUARD + '#include "hemiola/table/client.h"\n',
        "hemiola/net/a.h:2: net includes table"),
    "a look from core": (
        "hemiola/core/a.h", GUARD + '#include "hemiola/net/node.h"\n',
        "hemiola/core/a.h:2: core includes net; it may only see nothing of ours"),
    "a driver outside the assembly": (
        "hemiola/train/worker.h", GUARD + '#include "hemiola/net/node.h"\n',
        "hemiola/train/worker.h:2: train includes net"),
    "a folder without a place": ("hemiola/utils/a.h", GUARD, "utils is not in LAYERS"),
    "the users' header inside": (
        "hemiola/core/a.h", GUARD + '#include "hemiola/hemiola.h"\n', "that is for users"),
    "a relative include": (
        "hemiola/core/a.h", GUARD + '#include "types.h"\n', '"types.h" is no file of ours'),
    "no include guard": ("hemiola/core/a.h", "struct A;\n", "no include guard"),
    "a thread in a pure folder": (
        "hemiola/table/a.h", GUARD + "#include <thread>\n", "table includes <thread>; it is pure"),
    "a socket in a pure folder": (
        "hemiola/cluster/a.h", GUARD + "#include <sys/socket.h>\n", "it is pure"),
    "a catch block in a machine": (
        "hemiola/cluster/a.h", GUARD + "void f() {\n  try {\n  } catch (int) {\n  }\n}\n",
        "hemiola/cluster/a.h:4: a catch block"),
    "a clock": (
        "hemiola/sim/a.h", GUARD + "auto t = std::chrono::steady_clock::now();\n", "a clock call"),
    "a random device": (
        "hemiola/data/a.h", GUARD + "void f() { std::random_device d; }\n", "a random device"),
    "a thread outside net": (
        "hemiola/data/a.h", GUARD + "void f() { std::thread t; }\n", "a thread"),
    "a socket outside net": (
        "hemiola/sim/a.h", GUARD + "int f() { return ::socket(1, 2, 3); }\n", "a socket"),
    "the environment as configuration": (
        "hemiola/train/a.h", GUARD + 'auto f() { return std::getenv("X"); }\n', "an environment"),
    "new": ("bench/a.cc", "int* f() { return new int; }\n", "bench/a.cc:1: new or delete"),
    "delete": ("bench/a.cc", "void f(int* x) { delete x; }\n", "bench/a.cc:1: new or delete"),
    "a static variable": (
        "hemiola/net/a.h", GUARD + "int f() {\n  static int calls = 0;\n  return ++calls;\n}\n",
        "hemiola/net/a.h:3: a variable that nobody owns"),
    "a thread_local variable": (
        "hemiola/net/a.h", GUARD + "thread_local int calls;\n", "a variable that nobody owns"),
    "a global variable": (
        "hemiola/net/a.h", GUARD + "std::vector<int> all;\n", "a variable that nobody owns"),
    "a source without header": ("hemiola/data/a.cc", "", "hemiola/data/a.h and"),
    "a source without test": ("hemiola/data/a.cc", "", "hemiola/data/a_test.cc missing"),
    "an unused header": ("hemiola/data/a.h", GUARD, "nobody includes this header"),
    "a costly header in a header": (
        "hemiola/train/a.h", GUARD + "#include <nlohmann/json.hpp>\n", "nlohmann/ here too"),
    "a leftover mark": ("bench/a.cc", "// TO" "DO: more\n", "bench/a.cc:1: a leftover mark"),
    "a path of one machine": ("docs/a.md", "See /ho" "me/me/x.\n", "docs/a.md:1: a path of one"),
    "talk": ("docs/a.md", "Done as req" "uested.\n", "docs/a.md:1: talk about the change"),
    "a dead link": ("docs/a.md", "\n[x](b.md)\n", "docs/a.md:2: a dead link to b.md"),
    "a dead anchor": ("docs/a.md", "# One\n[x](#two)\n", "docs/a.md:2: a dead link to #two"),
    "a test name that says nothing": ("tests/a_test.cc", "TEST(A, Works) {}\n", "write a sentence"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_rule_fires_on(what, tmp_path):
    path, text, expected = BAD[what]
    found = complaints(tmp_path, {path: text})
    assert any(expected in line for line in found), found


def test_the_second_source_with_a_costly_header_is_named(tmp_path):
    found = complaints(tmp_path, {
        "hemiola/train/a.cc": "#include <toml++/toml.h>\n",
        "hemiola/train/b.cc": "#include <toml++/toml.h>\n",
    })
    assert [line for line in found if "toml++" in line] == [
        "hemiola/train/b.cc:1: toml++/ here too; it costs seconds to compile: include it in one "
        "source file and give that a plain interface"]


def test_an_exception_that_is_none_any_more_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(tidy, "EXCEPTIONS", {"hemiola/data/gone.cc": "a reason"})
    found = complaints(tmp_path, {"tests/tidy.py": ""})
    assert any("hemiola/data/gone.cc is no exception any more" in line for line in found)


GOOD = {
    "hemiola/core/word.h": GUARD + """
// A word; "new" in a comment or in a text is no new.
namespace hemiola {
class Word {
 public:
  Word(const Word&) = delete;
  static int count(int letters);
  static constexpr int kLetters = 26;
};
inline constexpr const char* kText = "delete static int x; // new";
template <class T>
concept Small = sizeof(T) < 8;
using Letters = int;
}  // namespace hemiola
""",
    "hemiola/core/word.cc": '#include "hemiola/core/word.h"\n\n#include <new>\n',
    "hemiola/core/word_part.cc": '#include "hemiola/core/word.h"\n',
    "hemiola/core/word_test.cc": '#include "hemiola/core/word.h"\n\n#include <thread>\n'
                                 "TEST(Word, Counts_its_letters) { std::thread t; }\n",
    "hemiola/train/main.cc": '#include "hemiola/core/word.h"\nint main() { std::getenv("X"); }\n',
    "docs/a.md": "# The one page\n[self](#the-one-page) [up](../README.md) [net](https://x.org)\n",
    "README.md": "# Read\n",
}


def test_good_files_pass(tmp_path):
    assert complaints(tmp_path, GOOD) == []
