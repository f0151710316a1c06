#!/usr/bin/env python3
"""Style as a test: what a reader of this repository may rely on, checked in every file.

usage: tests/tidy.py [ROOT]

Prints `file:line: what is wrong; what to do instead`, one a line, and exits with 1 when there is
any. Rules are functions named after what they check; add one, and a bad snippet in tidy_test.py.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

COLUMNS = 100
FILE_LINES = 500
FUNCTION_LINES = 70

# Who may include whom: folders of hemiola/. Beside these, each may include itself.
LAYERS = {
    "core": [],
    "net": ["core"],
    "sim": ["core"],
    "cluster": ["core"],
    "models": ["core"],
    "data": ["core"],
    "table": ["core"],
    "average": ["core"],
    "train": ["core", "cluster", "table", "average", "models", "data"],
}
# The places that put the parts together: there train sees the drivers too.
ASSEMBLY = re.compile(r"hemiola/train/(main\.cc|(launch|simulate|run)\w*\.\w+)")

# Folders without clock, thread, socket, file or chance of their own.
PURE = {"core", "cluster", "table", "average", "models"}
IMPURE_HEADERS = re.compile(
    r"<(thread|chrono|random|mutex|shared_mutex|condition_variable|future|fstream|filesystem|ctime"
    r"|time\.h|pthread\.h|unistd\.h|poll\.h|fcntl\.h|sys/(socket|epoll|time|un|eventfd)\.h"
    r"|(netinet|arpa)/\w+\.h)>")

# Calls that belong to one place: what, its pattern, the files that may, what others do instead.
BANNED_CALLS = [
    ("a clock call", r"\b\w+_clock::now|\bclock_gettime\b|\bgettimeofday\b|\bstd::time\(",
     r"hemiola/net/|hemiola/train/progress\.cc|" + ASSEMBLY.pattern,
     "take `now` as an argument or ask the WorkerPort"),
    ("a random device or generator of the library", r"\bstd::(random_device|mt19937\w*)|\bs?rand\(",
     r"hemiola/net/", "take a seed and use core/random.h"),
    ("a thread", r"\bstd::j?thread\b(?!::)|\bstd::async\b|\bpthread_create\b",
     r"hemiola/(net/|train/(runner|background)\.)", "only net/ starts threads; post it to a Node"),
    ("a socket", r"(?<!\w)::socket\(|\bepoll_create1?\(",
     r"hemiola/net/", "only net/ opens sockets"),
    ("an environment variable", r"\b(secure_)?getenv\b|\bsetenv\b",
     r"hemiola/train/main\.cc", "read it in train/main.cc and pass an option"),
]

# Headers that cost much to compile: one source file of a folder each.
HEAVY = ["CLI/", "toml++/", "nlohmann/", "spdlog/"]

# Sources without a header or test of their name (or of its first words), and why.
EXCEPTIONS = {
    "hemiola/average/gossip.cc": "needs a job around it: tests/average_gossip_test.cc",
    "hemiola/average/group_controller.cc": "needs its members: tests/average_groups_test.cc",
    "hemiola/average/group_member.cc": "needs its controller: tests/average_groups_test.cc",
    "hemiola/average/group_trade.cc": "a part of GroupController: tests/average_groups_test.cc",
    "hemiola/average/groups.cc": "needs a job around it: tests/average_groups_test.cc",
    "hemiola/average/leaver.cc": "half of mean_at_start_test.cc",
    "hemiola/average/machine.cc": "needs a job around it: tests/average_mean_test.cc",
    "hemiola/average/mean_rounds.cc": "needs a job around it: tests/average_mean_test.cc",
    "hemiola/average/messages.cc": "one function that reduction_test.cc uses",
    "hemiola/average/pushsum.cc": "needs a job around it: tests/average_pushsum_test.cc",
    "hemiola/average/strategy.cc": "needs a job around it: tests/average_mean_test.cc",
    "hemiola/train/node_life.cc": "needs a job around it: tests/swarm_test.cc, survival_test.py",
    "hemiola/train/shared_state.cc": "needs a run around it: tests/every_scheme_test.cc",
    "hemiola/train/step_pace.cc": "a part of TableParameters: table_parameters_test.cc",
    "hemiola/sim/worker.cc": "lives in a World only: world_test.cc",
    "hemiola/table/holder.cc": "half of a protocol: machine_test.cc drives both halves",
    "hemiola/table/owner.cc": "half of a protocol: machine_test.cc drives both halves",
    "hemiola/table/salvage.cc": "what restore_test.cc takes out and puts in again",
    "hemiola/table/table_set.cc": "only holds what rows_test.cc and client_test.cc use",
}
# Catch blocks in pure folders, and why.
CATCHES = {
    "hemiola/average/machine.cc": "a message that cannot be is dropped with a line, as others are",
    "hemiola/table/client.cc": "worker's side: its destructor waits for calls that may fail",
}

CODE = (".h", ".cc")
TEXT = CODE + (".py", ".sh", ".cmake", ".md", ".toml", ".txt", ".json", ".yml")


class File:
    """A file's text, and for C++ the same with comments and literals blanked out."""

    def __init__(self, root, path):
        self.path = path
        self.text = (root / path).read_text(encoding="utf-8", errors="replace")
        self.lines = self.text.splitlines()
        self.suffix = Path(path).suffix
        self.is_cpp = self.suffix in CODE
        self.code = blank(self.text) if self.is_cpp else self.text
        self.code_lines = self.code.splitlines()
        self.folder = path.split("/")[1] if path.startswith("hemiola/") and "/" in path[8:] else ""
        self.is_test = self.is_cpp and ("_test." in path or "_fuzz." in path or "test_" in path
                                        or "_for_test" in path)

    def includes(self):
        """(line number, what is included), with its quotes or brackets."""
        for number, line in enumerate(self.lines, 1):
            found = re.match(r'\s*#\s*include\s*(["<][^">]+[">])', line)
            if found:
                yield number, found.group(1)

    def matches(self, pattern):
        for number, line in enumerate(self.code_lines, 1):
            if re.search(pattern, line):
                yield number


def spaces(pattern, text, flags=0, keep="\n"):
    """The text with what matches made blank, so that the rest stays where it is."""
    return re.sub(pattern, lambda m: re.sub(f"[^{keep}]", " ", m.group()), text, flags=flags)


def blank(text):
    """Comments and the contents of literals become spaces; the lines stay where they are."""
    token = (r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|'
             r"(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'")
    return spaces(token, text, re.DOTALL, keep="\n\"'")


def read_tree(root):
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        paths = listed.stdout.splitlines()
    else:
        paths = [str(p.relative_to(root)) for p in root.rglob("*")
                 if not re.match(r"(\.git|\.venv|build[^/]*|runs)(/|$)", str(p.relative_to(root)))]
    wanted = [p for p in sorted(set(paths)) if (root / p).is_file()
              and (p.endswith(TEXT) or Path(p).name in ("Makefile", "run"))]
    return {p: File(root, p) for p in wanted}


# ---- the rules: each yields (path, line, text) ---------------------------------------------


def columns(files):
    for f in files.values():
        if f.suffix in (".md", ".json"):
            continue
        for number, line in enumerate(f.lines, 1):
            if len(line) > COLUMNS:
                yield f.path, number, f"{len(line)} columns; break the line at {COLUMNS}"


def file_length(files):
    for f in files.values():
        if f.suffix in CODE + (".py", ".sh", ".md") and len(f.lines) > FILE_LINES:
            yield f.path, len(f.lines), (f"{len(f.lines)} lines; a file is one noun: split it so "
                                         f"that none passes {FILE_LINES}")


def cpp_functions(code):
    """(first line, last line) of function bodies: outermost braces whose head has parentheses."""
    code = spaces(r"(?m)^\s*#(?:[^\n\\]|\\.|\\\n)*", code)
    scopes, start, head_at, inside = [], None, 0, 0
    for at, char in enumerate(code):
        if char == "{":
            head = spaces(r"^\s*(public|private|protected)\s*:", code[head_at:at])
            if inside == 0:
                scope = re.search(r"\b(namespace|class|struct|union|enum)\b[^()]*$", head)
                if "(" in head and not scope:
                    start, inside = head_at + len(head) - len(head.lstrip()), 1
                else:
                    scopes.append("{")
            else:
                inside += 1
            head_at = at + 1
        elif char == "}":
            head_at = at + 1
            if inside > 0:
                inside -= 1
                if inside == 0:
                    yield code.count("\n", 0, start) + 1, code.count("\n", 0, at) + 1
            elif scopes:
                scopes.pop()
        elif char == ";" and inside == 0:
            head_at = at + 1


def function_length(files):
    for f in files.values():
        if f.is_cpp:
            spans = cpp_functions(f.code)
        elif f.suffix == ".py":
            spans = [(n.lineno, n.end_lineno) for n in ast.walk(ast.parse(f.text))
                     if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
        else:
            continue
        for first, last in spans:
            if last - first + 1 > FUNCTION_LINES:
                yield f.path, first, (f"a function of {last - first + 1} lines; give its parts "
                                      f"names so that none passes {FUNCTION_LINES}")


def layers(files):
    for f in files.values():
        if not f.folder:
            continue
        allowed = LAYERS.get(f.folder)
        if allowed is None:
            yield f.path, 1, f"folder {f.folder} is not in LAYERS of tests/tidy.py; give it a place"
            continue
        if ASSEMBLY.fullmatch(f.path):
            allowed = allowed + ["net", "sim"]
        for number, name in f.includes():
            found = re.match(r'"hemiola/(\w+)/', name)
            if found and found.group(1) not in allowed + [f.folder]:
                yield f.path, number, (f"{f.folder} includes {found.group(1)}; it may only see "
                                       f"{', '.join(allowed) or 'nothing of ours'}")
            if name == '"hemiola/hemiola.h"':
                yield f.path, number, "includes hemiola.h; that is for users, name the header"


def include_paths(files):
    for f in files.values():
        if not f.is_cpp:
            continue
        for number, name in f.includes():
            if name.startswith('"') and name[1:-1] not in files:
                yield f.path, number, f'{name} is no file of ours; write "hemiola/folder/file.h"'
        if f.suffix == ".h" and "#pragma once" not in f.text:
            yield f.path, 1, "no include guard; write #pragma once after the opening comment"


def purity(files):
    for f in files.values():
        if f.folder in PURE and not f.is_test:
            for number, name in f.includes():
                if IMPURE_HEADERS.fullmatch(name):
                    yield f.path, number, (f"{f.folder} includes {name}; it is pure: take time, "
                                           "chance and data as arguments")
            for number in [] if f.path in CATCHES else f.matches(r"\bcatch\s*\("):
                yield f.path, number, "a catch block; failures are data here: hand them on"


def banned_calls(files):
    for f in files.values():
        if not f.folder or f.is_test:
            continue
        for what, pattern, where, instead in BANNED_CALLS:
            if not re.match(where, f.path):
                for number in f.matches(pattern):
                    yield f.path, number, f"{what}; {instead}"


def ownership(files):
    for f in files.values():
        if f.is_cpp:
            for number in f.matches(r"(?<!<)\bnew\b|(?<!=)(?<!= )\bdelete\b(?!;)"):
                yield f.path, number, "new or delete; let unique_ptr or a container own it"


def statics(files):
    """Variables with static life that can change; functions and constants are fine."""
    inner = (r"^\s*(?:inline\s+)?(?:static|thread_local)\b(?!.*\bconst(expr|init)?\b)"
             r"[^()=;{]*[=;{]")
    other = ("using|return|class|struct|enum|union|namespace|template|typedef|concept|friend|extern"
             "|static|public|private|protected|case|default|else|goto")
    outer = (rf"^(?!(?:{other})\b)(?!.*\bconst(expr)?\b)"
             r"(?:inline\s+)?[A-Za-z_][\w:<>, ]*[\s*&]+\w+\s*(?:=[^=].*|\{.*\})?;")
    for f in files.values():
        if f.is_cpp and f.folder:
            for number in sorted(set(f.matches(inner)) | set(f.matches(outer))):
                yield f.path, number, "a variable that nobody owns; own it where main sees it"


def named_after(stem, ending, files):
    """Whether NAME, or the noun it is a part of (world_faults: world), has a file so named."""
    folder, _, name = stem.rpartition("/")
    words = name.split("_")
    return any(f"{folder}/{'_'.join(words[:n])}{ending}" in files for n in range(len(words), 0, -1))


def companions(files):
    """A contract and a proof for each source; parts of a noun may share those of the noun."""
    needless = set(EXCEPTIONS)
    for f in files.values():
        if f.suffix != ".cc" or not f.folder or f.is_test or f.path.endswith("/main.cc"):
            continue
        stem = f.path[:-3]
        missing = [stem + e for e in (".h", "_test.cc") if not named_after(stem, e, files)]
        if missing and f.path in EXCEPTIONS:
            needless.discard(f.path)
        elif missing:
            yield f.path, 1, (f"{' and '.join(missing)} missing; write it, or a line in EXCEPTIONS "
                              "of tests/tidy.py that says why not")
    if "tests/tidy.py" in files:
        for path in sorted(needless):
            yield "tests/tidy.py", 1, f"{path} is no exception any more; take its line out"


def unused_headers(files):
    included = {name[1:-1] for f in files.values() if f.is_cpp for _, name in f.includes()
                if name[1:-1] != f.path}
    for f in files.values():
        if f.suffix == ".h" and f.path not in included and f.path != "hemiola/hemiola.h":
            yield f.path, 1, "nobody includes this header; use it or take it out"


def heavy_headers(files):
    users = {}
    for f in files.values():
        if f.is_cpp and f.folder and not f.is_test:
            for number, name in f.includes():
                for heavy in HEAVY:
                    if name.startswith("<" + heavy):
                        users.setdefault((heavy, f.folder), {}).setdefault(f.path, number)
    for (heavy, _), paths in users.items():
        headers = [p for p in paths if p.endswith(".h")]
        for path in headers or sorted(paths)[1:]:
            yield path, paths[path], (f"{heavy} here too; it costs seconds to compile: include it "
                                      "in one source file and give that a plain interface")


def leftovers(files):
    for f in files.values():
        for number, line in enumerate(f.lines, 1):
            if re.search(r"\b(FIX" r"ME|TO" r"DO|XX" r"X|HA" r"CK)\b", line):
                yield f.path, number, "a leftover mark; do it, or say in words why it is not done"


def talk(files):
    """A file stands for itself: no machine's paths, no word to whoever reads the change."""
    paths = r"(?<![\w.])/(home|root|work|mnt|Users)/\w"
    words = r"(?i)\bas (requested|discussed)\b|\basked (me|us) to\b"
    for f in files.values():
        for number, line in enumerate(f.lines, 1):
            if re.search(paths, line):
                yield f.path, number, "a path of one machine; make it relative or an option"
            if f.path not in ("tests/tidy.py", "tests/tidy_test.py") and re.search(words, line):
                yield f.path, number, "talk about the change; that belongs in the commit message"


def anchors(text):
    """The places of a document that a link may name, as GitHub makes them."""
    heads = re.findall(r"(?m)^#+ +(.*)$", re.sub(r"(?s)```.*?```", "", text))
    return {re.sub(r"[^\w\- ]", "", h.strip().lower()).replace(" ", "-") for h in heads}


def dead_links(files, root):
    for f in files.values():
        if f.suffix != ".md":
            continue
        text = spaces(r"(?s)```.*?```|`[^`\n]*`", f.text)
        for found in re.finditer(r"\]\(([^)\s]+)\)", text):
            link = found.group(1)
            if re.match(r"[a-z]+:", link):
                continue
            target, _, anchor = link.partition("#")
            path = (root / f.path).parent / target if target else root / f.path
            number = text.count("\n", 0, found.start()) + 1
            if not path.exists():
                yield f.path, number, f"a dead link to {target}; name a file that is here"
            elif anchor and path.suffix == ".md" and anchor not in anchors(path.read_text()):
                yield f.path, number, f"a dead link to #{anchor}; no heading there reads so"


def test_names(files):
    for f in files.values():
        if f.is_cpp:
            for number, line in enumerate(f.code_lines, 1):
                found = re.match(r"TEST(?:_[FP])?\(\s*\w+,\s*(\w+)\)", line)
                if found and "_" not in found.group(1).strip("_"):
                    yield f.path, number, (f"test name {found.group(1)}; write a sentence: "
                                           "A_relocated_key_is_answered_by_its_new_owner")


RULES = [columns, file_length, function_length, layers, include_paths, purity, banned_calls,
         ownership, statics, companions, unused_headers, heavy_headers, leftovers, talk, test_names]


def complaints(root):
    files = read_tree(root)
    found = [c for rule in RULES for c in rule(files)] + list(dead_links(files, root))
    return len(files), sorted(set(found))


def main(args):
    root = Path(args[0]).resolve() if args else Path(__file__).resolve().parent.parent
    count, found = complaints(root)
    for path, number, text in found:
        print(f"{path}:{number}: {text}")
    print(f"tidy: {count} files, {len(found)} to mend")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
