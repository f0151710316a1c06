"""Whole runs of models that learn vectors for names: graphs of facts, and texts."""

import pathlib
import random

import pytest

from conftest import ROOT

N = 60
SHARED = ROOT.parent / "shared" / "data"
WORDNET = pathlib.Path("/usr/share/wordnet/data.noun")
PLACEMENTS = ["static", "relocate", "replicate", "replicate(10)", "nups", "nups(5)", "intent"]
SAMPLINGS = ["independent", "pool", "pool(4, 50)", "postponed", "local"]


@pytest.fixture
def circle(hemiola):
    """Sums on a circle, of which a model with complex numbers knows all after seeing most."""
    sums = [(i, k) for i in range(N) for k in (1, 2, 3, 5, 8, 13)]
    facts = [(f"e{i}", f"plus{k}", f"e{(i + k) % N}") for i, k in sums]
    random.Random(3).shuffle(facts)
    for name, part in [("valid", facts[:30]), ("test", facts[30:60]), ("train", facts[60:])]:
        hemiola.write(f"{name}.tsv", "".join("\t".join(f) + "\n" for f in part))
    hemiola.job = hemiola.write("job.toml", """
[data]
kind = "triples"
train = "train.tsv"
valid = "valid.tsv"
test = "test.tsv"

[model]
kind = "kge"
dim = 16
negatives = 20

[train]
epochs = 40
batch = 16
evaluate_every = 0
""")
    return hemiola


@pytest.fixture
def topics(hemiola):
    """A text whose sentences each keep to one of eight topics, and how alike its words are."""
    chance = random.Random(5)
    lines = []
    for _ in range(6000):
        topic = chance.randrange(8)
        lines.append(" ".join(f"t{topic}w{chance.randrange(10)}" for _ in range(8)))
    hemiola.write("text.txt", "\n".join(lines) + "\n")
    pairs = []
    for _ in range(200):
        a, b, c, d = (chance.randrange(n) for n in (8, 8, 10, 10))
        pairs.append(f"t{a}w{c}\tt{b}w{d}\t{9 if a == b else 1}")
    hemiola.write("topics.txt", "\n".join(pairs) + "\n")
    hemiola.job = hemiola.write("job.toml", """
[data]
kind = "text"
train = "text.txt"
similarity = "topics.txt"

[model]
kind = "word2vec"
dim = 16
subsample = 0

[train]
epochs = 3
evaluate_every = 0
""")
    return hemiola


def mrr(hemiola, out="runs/job"):
    return hemiola.summary(out)["final"]["metrics"]["mrr"]


def test_facts_that_were_not_seen_are_found(circle):
    said = circle.train().stdout
    assert "300 triples to train on, 30 to try settings, 30 to test" in said
    assert "60 entities, 6 relations" in said
    assert mrr(circle) > 0.9


@pytest.mark.parametrize("model,least", [
    ("scorer=rotate loss=self_adversarial margin=4", 0.9), ("loss=logistic", 0.9),
    ("sharing=own", 0.9), ("reciprocal=true", 0.9), ("negatives=0 n3=0.03", 0.9),
    ("scorer=rescal dim=8 negatives=0", 0.5), ("scorer=distmult", 0.2),
    ("scorer=transe loss=self_adversarial margin=4", 0.1)])
def test_every_scorer_and_loss_learns(circle, model, least):
    circle.train(*[f"model.{setting}" for setting in model.split()])
    assert mrr(circle) > least


@pytest.mark.parametrize("on,names", [("test", ["mrr"]), ("valid", ["valid_mrr"]),
                                      ("both", ["mrr", "valid_mrr"]), ("none", [])])
def test_what_is_measured_can_be_chosen(circle, on, names):
    circle.train(f"train.evaluate_on={on}")
    metrics = circle.summary()["final"]["metrics"]
    assert [m for m in metrics if m.endswith("mrr")] == names


@pytest.mark.parametrize("scheme", ["bsp", "bsp strict", "ssp(2)", "essp(3)", "async"])
def test_three_nodes_learn_a_graph_under_every_scheme(circle, scheme):
    circle.train("--nodes", "3", f"sync.scheme={scheme}", "train.batch=4")
    summary = circle.summary()
    assert mrr(circle) > 0.8
    assert summary["samples"] == 40 * 300 and summary["bytes_sent"] > 0


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_three_nodes_learn_a_graph_under_every_placement(circle, placement):
    circle.train("--nodes", "3", f"sync.placement={placement}", "train.batch=4")
    assert mrr(circle) > 0.8
    told = "" if placement == "static" else f" placement={placement}"
    assert circle.summary()["sync"] == "essp(3)" + told


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_three_nodes_learn_a_graph_with_every_way_of_sampling(circle, sampling):
    circle.train("--nodes", "3", f"sync.sampling={sampling}", "train.batch=4")
    assert mrr(circle) > 0.8


def test_one_table_may_have_a_placement_of_its_own(circle):
    circle.train("--nodes", "2", "sync.placements.relations=replicate",
                 "sync.tables.relations=ssp(1)")
    assert circle.summary()["sync"] == "essp(3) relations=ssp(1) relations.placement=replicate"


def test_strict_runs_of_a_graph_are_equal_bit_by_bit(circle):
    losses = []
    for out in ["once", "again"]:
        circle.train("--out", out, "--nodes", "3", "sync.scheme=bsp strict", "sync.sampling=pool",
                     "train.epochs=5")
        losses.append([e["loss"] for e in circle.summary(out)["epochs"]])
    assert losses[0] == losses[1]


def test_a_graph_is_learnt_in_the_simulator_too(circle):
    done = circle.run("sim", circle.job, "--nodes", "4", "--out", "sim", "train.batch=4", "--quiet",
                      "--cost-per-example", "1us")
    assert done.returncode == 0, done.stderr
    assert mrr(circle, "sim") > 0.8


@pytest.mark.parametrize("nodes,placement", [("1", "static"), ("3", "static"), ("3", "nups"),
                                             ("3", "intent")])
def test_words_of_one_topic_come_to_lie_together(topics, nodes, placement):
    said = topics.train("--nodes", nodes, f"sync.placement={placement}").stdout
    assert "48 k words to train on" in said and "80 different ones, 200 pairs of topics" in said
    assert topics.summary()["final"]["metrics"]["topics"] > 0.5


def test_the_data_sets_are_listed(hemiola):
    done = hemiola.run("data")
    assert done.returncode == 0 and "wordnet" in done.stdout


@pytest.mark.skipif(not WORDNET.exists(), reason="wordnet-base is not installed")
def test_a_graph_is_made_of_wordnet_and_learnt(hemiola):
    done = hemiola.run("data", "wordnet", "--out", "runs/wordnet")
    assert done.returncode == 0, done.stderr
    assert "3134 to test" in done.stdout
    (hemiola.folder / "examples").mkdir()
    job = hemiola.write("examples/wordnet.toml", (ROOT / "examples/wordnet.toml").read_text())
    done = hemiola.run("train", job, "--workers", "2", "--quiet", "model.dim=32", "train.epochs=4",
                       "train.evaluate_on=valid")
    assert done.returncode == 0, done.stderr
    assert hemiola.summary("runs/wordnet-kge")["final"]["metrics"]["valid_mrr"] > 0.3


@pytest.mark.skipif(not WORDNET.exists(), reason="wordnet-base is not installed")
def test_the_same_seed_makes_the_same_files(hemiola):
    for out, seed in [("a", "7"), ("b", "7"), ("c", "8")]:
        assert hemiola.run("data", "wordnet", "--out", out, "--seed", seed).returncode == 0
    def content(out, name):
        return (hemiola.folder / out / name).read_bytes()
    for name in ["train.txt", "valid.txt", "test.txt", "synsets.tsv"]:
        assert content("a", name) == content("b", name)
    assert content("a", "test.txt") != content("c", "test.txt")


def test_nations_reach_their_known_quality(hemiola):
    if not (SHARED / "nations").exists():
        pytest.skip(f"{SHARED}/nations is not here")
    done = hemiola.run("train", str(ROOT / "examples/nations.toml"), "--quiet",
                       *[f"data.{part}={SHARED}/nations/{part}.txt.zst"
                         for part in ["train", "valid", "test"]])
    assert done.returncode == 0, done.stderr
    assert mrr(hemiola, "runs/nations") > 0.7
