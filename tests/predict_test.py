"""What a saved model answers when it is asked."""

import csv
import json
import random
import shutil
import subprocess

import pytest

from model_files import (DATA, ITEMS, USERS, ask, export, in_folder, model_rows, train_small)


@pytest.fixture(scope="module")
def trained(request, tmp_path_factory):
    return train_small(request, tmp_path_factory.mktemp("trained"))


# ---- ratings --------------------------------------------------------------------------------


def test_the_saved_model_is_the_one_that_was_measured(hemiola):
    """The RMSE on the test set, computed from predictions, is the one in the summary."""
    lines = [f"{u}\t{i}\t{1 + (u * 7 + i * 3) % 5}" for u in range(40) for i in range(30)
             if (u + i) % 3]
    held = lines[::10]
    hemiola.write("train.tsv", "\n".join(line for n, line in enumerate(lines) if n % 10) + "\n")
    hemiola.write("test.tsv", "\n".join(held) + "\n")
    hemiola.write("job.toml", '[data]\nkind = "ratings"\ntrain = "train.tsv"\ntest = "test.tsv"\n'
                              '[model]\nkind = "mf"\nfactors = 4\n[train]\nepochs = 3\n')
    hemiola.train("--nodes", "2")
    pairs = [line.split("\t") for line in held]
    done = ask(hemiola, "--user", "-", "--item", "-", "--json",
               lines="".join(f"{u}\t{i}\n" for u, i, _ in pairs))
    assert done.returncode == 0, done.stderr
    said = [json.loads(line)["answers"][0]["rating"] for line in done.stdout.splitlines()]
    squares = [(float(r) - p) ** 2 for (_, _, r), p in zip(pairs, said)]
    rmse = (sum(squares) / len(squares)) ** 0.5
    assert rmse == pytest.approx(hemiola.summary()["final"]["metrics"]["rmse"], rel=1e-5)


def test_ratings_and_rows_alike_are_told(trained):
    rows = model_rows(trained.folder / "runs/job/model")
    manifest = json.loads((trained.folder / "runs/job/model/manifest.json").read_text())

    def rating(user, item):
        u, i = rows[user], rows[USERS + item]
        return manifest["facts"]["mean"] + u[4] + i[4] + sum(a * b for a, b in zip(u[:4], i[:4]))

    best = json.loads(ask(trained, "--user", "3", "--top", "300", "--json").stdout)["answers"]
    assert sorted(int(a["name"].removeprefix("item ")) for a in best) == list(range(ITEMS))
    for a in best:
        assert a["rating"] == pytest.approx(rating(3, int(a["name"][5:])), abs=1e-4)
    assert best == sorted(best, key=lambda a: -a["rating"])

    def cosine(a, b):
        dot = sum(x * y for x, y in zip(a[:4], b[:4]))
        return dot / (sum(x * x for x in a[:4]) * sum(x * x for x in b[:4])) ** 0.5

    near = ask(trained, "--near", "item 7", "--top", "3").stdout.splitlines()
    assert len(near) == 3
    for line in near:
        score, name = line.split(maxsplit=1)
        assert float(score) == pytest.approx(cosine(rows[USERS + 7], rows[USERS + int(name[5:])]),
                                             abs=1e-3)


def test_lines_are_answered_one_by_one_and_broken_ones_told(trained):
    done = ask(trained, "--user", "-", "--item", "-", "--json", lines="0\t1\n2\n3 4\n0\t999\n")
    assert done.returncode == 1
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [("error" in s) for s in said] == [False, True, False, True]
    assert said[2]["user"] == "3" and said[2]["item"] == "4"
    told = done.stderr.splitlines()
    assert told[0] == "hemiola: line 2: expected user and item, parted by a tab, found `2`"
    assert told[1].startswith("hemiola: line 4: `item 999` is no row of table `factors`")


def test_predict_refuses_what_makes_no_sense(trained):
    def refused(*words):
        return trained.refused("predict", "runs/job", *words)

    assert refused().startswith("say what to predict: --near NAME")
    assert refused("--near", "7").startswith("`7` is no row of table `factors`: its rows are `user")
    assert refused("--near", "item 7", "--user", "3").startswith("ask one question at a time")
    assert refused("--item", "3") == "--item needs --user too"
    assert refused("--head", "a", "--relation", "b") == (
        "--head, --relation and --tail need a model of kind kge, but runs/job/model holds one of "
        "kind mf")
    assert refused("--user", "3", "--table", "factors") == (
        "--table goes with --near and --analogy only")
    assert "--top" in trained.refused("predict", "runs/job", "--near", "user 1", "--top", "0",
                                      status=2)


# ---- names ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nations(request, tmp_path_factory):
    if not (DATA / "nations/train.txt.zst").exists():
        pytest.skip("the data set nations is not beside the project")
    hemiola = in_folder(request, tmp_path_factory.mktemp("nations"))
    files = "\n".join(f'{part} = "{(DATA / "nations" / part).resolve()}.txt.zst"'
                      for part in ["train", "valid", "test"])
    hemiola.write("job.toml", f'[data]\nkind = "triples"\n{files}\n[model]\nkind = "kge"\n'
                              'scorer = "distmult"\ndim = 16\nnegatives = 10\n'
                              "[train]\nepochs = 20\n")
    hemiola.train("--nodes", "2", "sync.scheme=bsp")
    return hemiola


def test_a_knowledge_graph_has_names_and_answers_with_its_own_score(nations):
    folder = nations.folder / "runs/job/model"
    names = (folder / "names.entities.txt").read_text().splitlines()
    relations = (folder / "names.relations.txt").read_text().splitlines()
    assert "usa" in names and len(set(names)) == len(names) == 14
    entities, rows = model_rows(folder, "entities"), model_rows(folder, "relations")
    done = ask(nations, "--head", "usa", "--relation", relations[3], "--top", "14", "--json")
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)["answers"]
    assert sorted(a["name"] for a in answers) == sorted(names)
    usa, relation = entities[names.index("usa")], rows[3]
    for a in answers:
        tail = entities[names.index(a["name"])]
        wanted = sum(h * r * t for h, r, t in zip(usa, relation, tail))
        assert a["score"] == pytest.approx(wanted, abs=1e-4)
    # distmult scores both directions alike
    heads = json.loads(ask(nations, "--relation", relations[3], "--tail", "usa", "--top", "14",
                           "--json").stdout)["answers"]
    assert [a["name"] for a in heads] == [a["name"] for a in answers]


def triples(part):
    if shutil.which("zstd") is None:
        pytest.skip("zstd is not installed")
    text = subprocess.run(["zstd", "-dc", DATA / f"nations/{part}.txt.zst"], text=True,
                          capture_output=True, check=True).stdout
    return [tuple(line.split("\t")) for line in text.splitlines()]


@pytest.mark.parametrize("settings", [["model.scorer=distmult"], ["model.reciprocal=true"],
                                      ["model.scorer=rotate"],
                                      ["model.scorer=transe", "model.norm=2"],
                                      ["sync.placement=intent"], ["sync.placement=relocate"],
                                      ["sync.placement=nups(5)"]])
def test_ranks_of_predictions_are_those_that_the_run_measured(nations, settings):
    nations.train("--quiet", "--out", "ranked", "sync.scheme=bsp", "model.scorer=complex",
                  *settings)
    test = triples("test")
    known = set(test) | set(triples("train")) | set(triples("valid"))

    def ranks(options, line_of, fact_of, answer_of):
        done = ask(nations, *options, "--top", "14", "--json", run="ranked",
                   lines="".join("\t".join(line_of(t)) + "\n" for t in test))
        assert done.returncode == 0, done.stderr
        for t, line in zip(test, done.stdout.splitlines()):
            scores = {a["name"]: a["score"] for a in json.loads(line)["answers"]}
            true = scores[answer_of(t)]
            others = [s for name, s in scores.items()
                      if name != answer_of(t) and fact_of(t, name) not in known]
            yield 1 + sum(s > true for s in others) + sum(s == true for s in others) / 2

    all_ranks = [
        *ranks(["--head", "-", "--relation", "-"], lambda t: t[:2],
               lambda t, name: (t[0], t[1], name), lambda t: t[2]),
        *ranks(["--relation", "-", "--tail", "-"], lambda t: t[1:],
               lambda t, name: (name, t[1], t[2]), lambda t: t[0])]
    mrr = sum(1 / r for r in all_ranks) / len(all_ranks)
    assert mrr == pytest.approx(nations.summary("ranked")["final"]["metrics"]["mrr"], abs=2e-3)


def test_exports_of_named_rows_carry_the_names(nations):
    said = export(nations, "--to", "npy")
    assert [line.split(":")[0] for line in said] == [
        f"runs/job/export/{f}" for f in ["entities.npy", "entities.names.txt", "relations.npy",
                                         "relations.names.txt"]]
    names = (nations.folder / "runs/job/model/names.entities.txt").read_text()
    assert (nations.folder / "runs/job/export/entities.names.txt").read_text() == names
    export(nations, "--to", "csv", "--table", "entities")
    with open(nations.folder / "runs/job/export/entities.csv", newline="") as file:
        assert [line[0] for line in csv.reader(file)] == ["name", *names.splitlines()]
    export(nations, "--to", "word2vec")
    lines = (nations.folder / "runs/job/export/entities.txt").read_text().splitlines()
    assert [line.split(" ")[0] for line in lines[1:]] == names.splitlines()


def test_a_name_that_is_not_there_is_told_with_what_is_near(nations):
    for typed in ["usb", "USA"]:
        assert nations.refused("predict", "runs/job", "--near", typed) == (
            f"no row of table `entities` is called `{typed}`; near it are `usa`")
    near = ask(nations, "--near", "-", "--top", "1", lines="usa\nnowhere\nuk\n")
    assert near.returncode == 1 and near.stderr.count("\n") == 1
    assert [line for line in near.stdout.splitlines() if not line.startswith(" ")] == ["usa", "uk"]


def test_word_vectors_find_the_words_of_the_same_places(hemiola):
    """Two kinds of words that never meet: each word is nearest to one of its kind."""
    kinds = [["cat", "dog", "cow", "hen"], ["iron", "tin", "lead", "zinc"]]
    chance = random.Random(1)
    sentences = [" ".join(chance.choices(kinds[n % 2], k=8)) for n in range(3000)]
    hemiola.write("text.txt", "\n".join(sentences) + "\n")
    hemiola.write("job.toml", '[data]\nkind = "text"\ntrain = "text.txt"\n[model]\n'
                              'kind = "word2vec"\ndim = 8\nsubsample = 0\n[train]\nepochs = 3\n')
    hemiola.train("--nodes", "2", "--quiet")
    done = ask(hemiola, "--near", "-", "--top", "3", "--json",
               lines="".join(word + "\n" for kind in kinds for word in kind))
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        said = json.loads(line)
        (kind,) = [k for k in kinds if said["near"] in k]
        assert {a["name"] for a in said["answers"]} | {said["near"]} == set(kind)
    done = ask(hemiola, "--analogy", "cat dog cow", "--top", "1", "--json")
    assert json.loads(done.stdout)["answers"][0]["name"] == "hen"
    said = export(hemiola, "--to", "word2vec", "--out", "v.txt")
    assert said[0].startswith("v.txt: 8 x 8 floats")
    head, *lines = (hemiola.folder / "v.txt").read_text().splitlines()
    assert head == "8 8" and {line.split(" ")[0] for line in lines} == {*kinds[0], *kinds[1]}
    hemiola.refused("predict", "runs/job", "--near", "cat", "--table", "outputs")


def test_what_the_training_data_say_can_be_left_out(nations):
    known = {(h, r, t) for h, r, t in triples("train")}
    head, relation, _ = sorted(known)[0]
    words = ["--head", head, "--relation", relation, "--top", "14", "--json"]
    every = {a["name"] for a in json.loads(ask(nations, *words).stdout)["answers"]}
    new = {a["name"] for a in json.loads(ask(nations, *words, "--new").stdout)["answers"]}
    assert every - new == {t for h, r, t in known if (h, r) == (head, relation)} and new < every
    nations.write("mine.txt", f"{head}\t{relation}\tusa\n")
    mine = json.loads(ask(nations, *words, "--new", "--facts", "mine.txt").stdout)["answers"]
    assert {a["name"] for a in mine} == every - {"usa"}
    assert "mine2.txt" in nations.refused("predict", "runs/job", *words, "--new", "--facts",
                                          "mine2.txt")
