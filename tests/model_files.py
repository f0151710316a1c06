"""Saved models: what their files hold, read without the program, and how the program is asked."""

import json
import pathlib
import struct
import subprocess
import zlib

import pytest

from conftest import ROOT, Hemiola

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


def in_folder(request, folder):
    """The program, run in a folder that several tests share."""
    program = pathlib.Path(request.config.getoption("--program")).resolve()
    if not program.exists():
        pytest.fail(f"{program} is not built; run scripts/build.sh hemiola")
    return Hemiola(str(program), folder)


def train_small(request, folder):
    """A run of the small job on three nodes."""
    hemiola = in_folder(request, folder)
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
