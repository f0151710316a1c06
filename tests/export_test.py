"""What a run leaves behind: its model, exported in every format, and asked."""

import csv
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import struct
import subprocess
import zlib

import pytest

from conftest import ROOT

DATA = ROOT / ".." / "shared" / "data"
USERS, ITEMS, COLUMNS = 400, 300, 5  # of the small job: 4 factors and a bias


def read_safetensors(path):
    """Name: (type, shape, values), read as the format is described."""
    blob = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", blob)
    header = json.loads(blob[8:8 + length])
    data = blob[8 + length:]
    tensors, end = {}, 0
    for name, t in header.items():
        if name == "__metadata__":
            continue
        begin, stop = t["data_offsets"]
        assert begin == end
        end = stop
        code = {"F32": "f", "U32": "I"}[t["dtype"]]
        tensors[name] = (t["dtype"], t["shape"],
                         struct.unpack(f"<{(stop - begin) // 4}{code}", data[begin:stop]))
    assert end == len(data)
    return tensors


def rows_of(values, columns):
    return [list(values[i:i + columns]) for i in range(0, len(values), columns)]


def model_rows(folder, table="factors"):
    """The table, put together from its shards without the program."""
    manifest = json.loads((folder / "manifest.json").read_text())
    (entry,) = [t for t in manifest["tables"] if t["name"] == table]
    rows = {}
    for shard in entry["shards"]:
        blob = (folder / shard["file"]).read_bytes()
        assert (len(blob), zlib.crc32(blob)) == (shard["bytes"], shard["crc32"])
        tensors = read_safetensors(folder / shard["file"])
        _, (count,), keys = tensors["keys"]
        _, shape, values = tensors["values"]
        assert shape == [count, entry["columns"]] and count == shard["rows"]
        assert ("state" in tensors) == (entry["state_columns"] > 0)
        rows.update(zip(keys, rows_of(values, entry["columns"])))
    assert sorted(rows) == list(range(entry["rows"]))
    return [rows[k] for k in range(entry["rows"])]


@pytest.fixture(scope="module")
def trained(request, tmp_path_factory):
    """A run on three nodes; tests copy it where they change it."""
    from conftest import Hemiola
    program = pathlib.Path(request.config.getoption("--program")).resolve()
    if not program.exists():
        pytest.fail(f"{program} is not built; run scripts/build.sh hemiola")
    hemiola = Hemiola(str(program), tmp_path_factory.mktemp("trained"))
    hemiola.train("--nodes", "3", "--workers", "2", "sync.scheme=bsp", "--quiet")
    return hemiola


def export(hemiola, *words, run="runs/job"):
    done = hemiola.run("export", run, *words)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout.splitlines()


def ask(hemiola, *words, run="runs/job", lines=None):
    return subprocess.run([hemiola.program, "predict", run, *words], cwd=hemiola.folder, text=True,
                          input=lines, capture_output=True, timeout=60, check=False,
                          env=hemiola.environment())


# ---- saving ---------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["train", "sim"])
@pytest.mark.parametrize("nodes", [1, 3])
def test_every_node_saves_the_rows_that_it_owns(hemiola, verb, nodes):
    words = ["--cost-per-example", "100ns"] if verb == "sim" else []
    done = hemiola.run(verb, hemiola.job, "--nodes", str(nodes), *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("model:   runs/job/model  ")
    folder = hemiola.folder / "runs/job/model"
    assert sorted(p.name for p in folder.iterdir()) == [
        *(f"factors.{n}.safetensors" for n in range(nodes)), "manifest.json"]
    rows = model_rows(folder)
    assert len(rows) == USERS + ITEMS and all(len(r) == COLUMNS for r in rows)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["model"] == "mf" and manifest["settings"]["model.factors"] == "4"
    assert manifest["facts"]["users"] == USERS and 1 < manifest["facts"]["mean"] < 5
    assert not any(key.startswith("cluster.") for key in manifest["settings"])


def test_the_same_model_is_saved_by_one_node_and_by_three(hemiola):
    """Strict runs are equal bit by bit for one number of nodes; twice the same, then."""
    for out in ["a", "b"]:
        hemiola.train("sync.scheme=bsp", "sync.strict=true", "--nodes", "2", "--out", out)
    assert model_rows(hemiola.folder / "a/model") == model_rows(hemiola.folder / "b/model")


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


def test_what_is_not_to_be_saved_is_not(hemiola):
    done = hemiola.train("train.save=false")
    assert "model:" not in done.stdout
    assert not (hemiola.folder / "runs/job/model").exists()
    assert hemiola.refused("export", "runs/job", "--to", "npy").startswith(
        "there is no saved model in runs/job: ")


def test_a_run_with_fewer_nodes_leaves_no_shards_of_the_run_before(hemiola):
    hemiola.train("--nodes", "3")
    (hemiola.folder / "runs/job/model/mine.txt").write_text("kept")
    hemiola.train("--nodes", "2")
    assert sorted(p.name for p in (hemiola.folder / "runs/job/model").iterdir()) == [
        "factors.0.safetensors", "factors.1.safetensors", "manifest.json", "mine.txt"]


@pytest.mark.parametrize("nodes", ["1", "2"])
def test_a_model_that_cannot_be_saved_is_told_and_the_result_is_kept(hemiola, nodes):
    (hemiola.folder / "runs/job").mkdir(parents=True)
    hemiola.write("runs/job/model", "in the way")
    done = hemiola.run("train", hemiola.job, "--nodes", nodes)
    assert done.returncode == 1
    assert "the model was not saved: cannot make the folder runs/job/model" in done.stderr
    assert "model:" not in done.stdout
    assert hemiola.summary()["final"]["metrics"]["rmse"] > 0


def small_disk():
    """Files cannot grow beyond 12 kB: room for a summary, not for the model."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))


@pytest.mark.parametrize("nodes", ["1", "2"])
def test_a_full_disk_leaves_the_earlier_model_and_no_pieces(hemiola, nodes):
    hemiola.train("--quiet")
    before = model_rows(hemiola.folder / "runs/job/model")
    process = hemiola.start("train", hemiola.job, "--nodes", nodes, "model.factors=16",
                            preexec_fn=small_disk, restore_signals=False)
    said, wrong = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the model was not saved: cannot write runs/job/model/factors." in wrong
    assert wrong.count("File too large") == 1 and "model:" not in said
    assert sorted(p.name for p in (hemiola.folder / "runs/job/model").iterdir()) == [
        "factors.0.safetensors", "manifest.json"]
    assert model_rows(hemiola.folder / "runs/job/model") == before
    assert hemiola.summary()["nodes"] == int(nodes)


# ---- export ---------------------------------------------------------------------------------


def test_npy_is_read_back(trained):
    said = export(trained, "--to", "npy", "--out", "npy/factors.npy")
    assert said == ["npy/factors.npy: 700 x 5 floats, 14.1 kB"]
    path = trained.folder / "npy/factors.npy"
    blob = path.read_bytes()
    assert blob[:8] == b"\x93NUMPY\x01\x00"
    (length,) = struct.unpack_from("<H", blob, 8)
    assert (10 + length) % 64 == 0
    shape = eval(blob[10:10 + length])  # a Python dictionary by definition of the format
    assert shape == {"descr": "<f4", "fortran_order": False, "shape": (700, 5)}
    values = struct.unpack("<3500f", blob[10 + length:])
    assert rows_of(values, 5) == model_rows(trained.folder / "runs/job/model")
    numpy = pytest.importorskip("numpy")
    assert numpy.load(path).tolist() == rows_of(values, 5)


def test_csv_is_read_back_to_the_last_bit(trained):
    assert export(trained, "--to", "csv")[0].startswith("runs/job/export/factors.csv: 700 x 5 ")
    with open(trained.folder / "runs/job/export/factors.csv", newline="") as file:
        head, *lines = csv.reader(file)
    assert head == ["row", "v0", "v1", "v2", "v3", "v4"]
    assert [line[0] for line in lines[398:402]] == ["user 398", "user 399", "item 0", "item 1"]
    rows = [[struct.unpack("f", struct.pack("f", float(v)))[0] for v in line[1:]]
            for line in lines]
    assert rows == model_rows(trained.folder / "runs/job/model")


def test_the_formats_of_word2vec_are_read_back(trained):
    assert export(trained, "--to", "word2vec", "--out", "v.txt")[1] == (
        "700 names have _ where they had blanks")
    export(trained, "--to", "word2vec-binary", "--out", "v.bin")
    head, *lines = (trained.folder / "v.txt").read_text().splitlines()
    assert head == "700 5"
    assert [line.split(" ")[0] for line in lines] == [
        *(f"user_{n}" for n in range(USERS)), *(f"item_{n}" for n in range(ITEMS))]
    blob = (trained.folder / "v.bin").read_bytes()
    head, _, blob = blob.partition(b"\n")
    assert head == b"700 5"
    rows = []
    while blob:
        word, _, blob = blob.partition(b" ")
        assert b"\n" not in word
        rows.append(list(struct.unpack_from("<5f", blob)))
        assert blob[20:21] == b"\n"
        blob = blob[21:]
    assert rows == model_rows(trained.folder / "runs/job/model")
    assert [[struct.unpack("f", struct.pack("f", float(v)))[0] for v in line.split(" ")[1:]]
            for line in lines] == rows


def test_safetensors_is_one_file_in_order_of_the_rows(trained):
    assert export(trained, "--to", "safetensors") == [
        "runs/job/export/factors.safetensors: factors 700 x 5, 14.2 kB"]
    path = trained.folder / "runs/job/export/factors.safetensors"
    dtype, shape, values = read_safetensors(path)["factors"]
    assert (dtype, shape) == ("F32", [700, 5])
    assert rows_of(values, 5) == model_rows(trained.folder / "runs/job/model")


def test_the_packages_of_others_read_what_is_written(trained):
    numpy = pytest.importorskip("numpy")
    safetensors = pytest.importorskip("safetensors.numpy")
    rows = model_rows(trained.folder / "runs/job/model")
    export(trained, "--to", "safetensors")
    tensors = safetensors.load_file(trained.folder / "runs/job/export/factors.safetensors")
    assert tensors["factors"].tolist() == rows
    shard = safetensors.load_file(trained.folder / "runs/job/model/factors.1.safetensors")
    assert shard["keys"].dtype == numpy.uint32
    gensim = pytest.importorskip("gensim.models")
    for to, binary in [("word2vec", False), ("word2vec-binary", True)]:
        export(trained, "--to", to, "--out", "vectors")
        vectors = gensim.KeyedVectors.load_word2vec_format(trained.folder / "vectors",
                                                           binary=binary)
        assert vectors.vectors.tolist() == rows and vectors.index_to_key[0] == "user_0"


def test_export_refuses_what_makes_no_sense(trained):
    refused = trained.refused
    assert refused("export", "runs/none", "--to", "npy") == "there is no folder runs/none"
    assert refused("export", "runs/job", "--to", "xml").startswith("--to knows npy, csv, ")
    assert refused("export", "runs/job", "--to", "npy", "--table", "factor") == (
        "there is no table `factor` in runs/job/model: did you mean `factors`?")
    assert refused("export", "runs/job", "--to", "npy", "--out", "/dev/null/x").startswith(
        "cannot make the folder /dev/null: ")
    assert "--to is required" in refused("export", "runs/job", status=2)
    assert "folder is required" in refused("export", "--to", "npy", status=2)


# ---- damaged models -------------------------------------------------------------------------


def damaged(trained, name, change):
    """What is said of a model in which one file was changed."""
    shutil.rmtree(trained.folder / "damaged", ignore_errors=True)
    shutil.copytree(trained.folder / "runs/job/model", trained.folder / "damaged/model")
    change(trained.folder / "damaged/model" / name)
    return trained.refused("export", "damaged", "--to", "npy")


def test_a_damaged_model_is_refused_in_one_sentence(trained):
    shard = "factors.1.safetensors"
    assert damaged(trained, shard, os.remove) == (
        "damaged/model/factors.1.safetensors is missing: node 1 of the run wrote it; if that was "
        "on another machine, copy it here")

    def flip(path):
        blob = bytearray(path.read_bytes())
        blob[-1] ^= 1
        path.write_bytes(blob)

    assert "is damaged or of another run" in damaged(trained, shard, flip)
    assert "bytes of data" in damaged(trained, shard, lambda p: p.write_bytes(
        p.read_bytes()[:-8]))
    assert "it has only 0 bytes" in damaged(trained, shard, lambda p: p.write_bytes(b""))
    assert "its header would have" in damaged(trained, shard, lambda p: p.write_bytes(
        b"\xff" * 100))
    assert damaged(trained, "manifest.json", lambda p: p.write_text("{")) == (
        "damaged/model/manifest.json is no manifest of a model: expected a key in quotes, at "
        "byte 1")
    assert "there is no saved model in damaged" in damaged(trained, "manifest.json", os.remove)


# ---- predict --------------------------------------------------------------------------------


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
    from conftest import Hemiola
    if not (DATA / "nations/train.txt.zst").exists():
        pytest.skip("the data set nations is not beside the project")
    program = pathlib.Path(request.config.getoption("--program")).resolve()
    hemiola = Hemiola(str(program), tmp_path_factory.mktemp("nations"))
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
