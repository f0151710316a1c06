"""What a run leaves behind: its model, and what it is exported to."""

import csv
import json
import os
import resource
import shutil
import signal
import struct

import pytest

from model_files import (ITEMS, USERS, COLUMNS, export, model_rows, read_safetensors, rows_of,
                         train_small)


@pytest.fixture(scope="module")
def trained(request, tmp_path_factory):
    """A run on three nodes; tests copy it where they change it."""
    return train_small(request, tmp_path_factory.mktemp("trained"))


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
    assert wrong.count("the model was not saved") == 1 and "model:" not in said
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
