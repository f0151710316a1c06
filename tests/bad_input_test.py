"""Every mistake of a user is one clear sentence and the right exit status."""

import gzip
import os
import socket

import pytest

from conftest import ROOT, end, free_port, wait_until


def ratings_job(hemiola, name, text, more=""):
    hemiola.write(name, text)
    return hemiola.write("data.toml", f'[data]\nkind = "ratings"\ntrain = "{name}"\n{more}')


def test_unknown_key_with_the_nearest_name(hemiola):
    job = hemiola.write("a.toml", '[sync]\nschem = "bsp"\n')
    assert hemiola.refused("train", job) == (
        f"unknown key `sync.schem` in {job}:2: did you mean `sync.scheme`?")
    assert hemiola.refused("train", hemiola.job, "train.epoch=3") == (
        "unknown key `train.epoch` in the command line: did you mean `train.epochs`?")


def test_unknown_section(hemiola):
    job = hemiola.write("a.toml", "[models]\n")
    assert hemiola.refused("train", job) == (
        f"unknown section [models] in {job}:1: did you mean [model]?")


def test_wrong_type_and_wrong_range(hemiola):
    job = hemiola.write("a.toml", '[train]\nepochs = "many"\n')
    assert hemiola.refused("train", job) == (
        f'`train.epochs` in {job}:2 is the text "many", but must be a whole number from 1 to 1e+06')
    assert "must be a whole number from 1 to 4096" in hemiola.refused(
        "train", hemiola.job, "--nodes", "5000")
    assert "train.rate" in hemiola.refused("train", hemiola.job, "train.rate=-1")


def test_broken_toml(hemiola):
    job = hemiola.write("a.toml", "[train]\nepochs =\n")
    assert hemiola.refused("train", job).startswith(f"{job}:2 is not TOML: ")


def test_unknown_scheme_lists_those_that_exist(hemiola):
    said = hemiola.refused("train", hemiola.job, "sync.scheme=allredoce")
    assert "allredoce" in said and "essp(N)" in said and "async" in said and "gossip" in said


def test_a_scheme_of_averages_says_how_it_is_written(hemiola):
    said = hemiola.refused("train", hemiola.job, "sync.scheme=groups(4, 5)")
    assert said.endswith("write groups(M) or groups(M, S) with 1 < S <= M")
    said = hemiola.refused("train", hemiola.job, "sync.scheme=gossip", "sync.placement=intent")
    assert "averages whole models" in said
    said = hemiola.refused("train", hemiola.job, "sync.scheme=gossip", "sync.topology=file(edges)",
                           "--nodes", "2")
    assert "cannot read edges, which sync.topology names" in said


def test_a_codec_that_does_not_fit_says_what_does(hemiola):
    said = hemiola.refused("train", hemiola.job, "sync.compress=bf16")
    assert 'under sync.scheme = "shared" there is one' in said
    said = hemiola.refused("train", hemiola.job, "sync.compress=topk(0.1)", "--nodes", "2")
    assert "none, bf16, quantise(2), quantise(4) or quantise(8), not as" in said


def test_unknown_placement_and_sampling_list_those_that_exist(hemiola):
    said = hemiola.refused("train", hemiola.job, "sync.placement=moving")
    assert "`moving`" in said and "relocate" in said and "intent" in said
    said = hemiola.refused("train", hemiola.job, "sync.sampling=random")
    assert "`random`" in said and "independent" in said and "pool(U, G)" in said


def test_strict_and_rows_that_move_do_not_go_together(hemiola):
    said = hemiola.refused("train", hemiola.job, "sync.scheme=bsp strict", "sync.placement=intent")
    assert said.startswith('`bsp strict` needs placement "static", but it is "intent"')


def graph_job(hemiola, train, more=""):
    hemiola.write("train.tsv", train)
    return hemiola.write("graph.toml", '[data]\nkind = "triples"\ntrain = "train.tsv"\n' + more +
                         '\n[model]\nkind = "kge"\ndim = 4\n')


@pytest.mark.parametrize("nodes", ["1", "3"])
@pytest.mark.parametrize("line", ["a\tr", "a", "a\tr\tb\tc", "\tr\tb", "a\t\tb", "a\tr\t"])
def test_broken_triple_with_file_and_number(hemiola, line, nodes):
    said = hemiola.refused("train", graph_job(hemiola, f"a\tr\tb\n{line}\n"), "--nodes", nodes,
                           "--quiet")
    assert "train.tsv:2: expected `head TAB relation TAB tail`, found `" in said


def test_broken_triple_of_a_test_set(hemiola):
    hemiola.write("test.tsv", "a\tr\tb\n\nb\tr\n")
    said = hemiola.refused("train", graph_job(hemiola, "a\tr\tb\n", 'test = "test.tsv"'), "--quiet")
    assert "test.tsv:3: expected" in said


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_graph_without_triples(hemiola, text):
    assert "train.tsv" in hemiola.refused("train", graph_job(hemiola, text), "--quiet")


def test_missing_set_of_triples(hemiola):
    job = graph_job(hemiola, "a\tr\tb\n", 'valid = "none.tsv"')
    said = hemiola.refused("train", job, "--quiet")
    assert "none.tsv" in said and "No such file" in said
    said = hemiola.refused("train", graph_job(hemiola, "a\tr\tb\n"), "train.evaluate_on=test")
    assert said == 'train.evaluate_on = "test" needs `data.test`, which is missing'


def test_graph_settings_that_cannot_be(hemiola):
    job = graph_job(hemiola, "a\tr\tb\n")
    assert '"complex", "distmult", "transe", "rotate" or "rescal"' in hemiola.refused(
        "train", job, "model.scorer=conve")
    assert "`model.dim`" in hemiola.refused("train", job, "model.dim=0")
    assert "`model.norm`" in hemiola.refused("train", job, "model.norm=3")
    assert "`model.dropout`" in hemiola.refused("train", job, "model.dropout=1")
    assert 'model.loss = "squared" is not for model.kind = "kge"' in hemiola.refused(
        "train", job, "model.loss=squared")
    assert 'model.sharing = "window" is not for' in hemiola.refused(
        "train", job, "model.sharing=window")
    assert hemiola.refused("train", job, "sync.placements.relation=nups", "--quiet") == (
        "`sync.placements` names `relation`, but the tables of model kge are: `entities`, "
        "`relations`")


def text_job(hemiola, text, more=""):
    hemiola.write("text.txt", text)
    return hemiola.write("text.toml", '[data]\nkind = "text"\ntrain = "text.txt"\n' + more +
                         '\n[model]\nkind = "word2vec"\ndim = 4\n')


def test_text_without_a_word_that_is_common_enough(hemiola):
    assert "text.txt" in hemiola.refused("train", text_job(hemiola, "a b c\n"), "--quiet")


def test_broken_questions_about_words(hemiola):
    words = "a b c d " * 20
    hemiola.write("q.txt", ": section\na b c d\na b c\n")
    said = hemiola.refused("train", text_job(hemiola, words, 'analogies = "q.txt"'), "--quiet")
    assert "q.txt:3: " in said
    hemiola.write("s.txt", "a b 7\na b x\n")
    said = hemiola.refused("train", text_job(hemiola, words, 'similarity = "s.txt"'), "--quiet")
    assert "s.txt:2: " in said
    said = hemiola.refused("train", text_job(hemiola, words, 'similarity = "n*.txt"'), "--quiet")
    assert "n*.txt" in said


def test_data_set_that_is_not_known_or_cannot_be_written(hemiola):
    assert hemiola.refused("data", "wordnt") == (
        "unknown data set `wordnt`: did you mean `wordnet`?")
    hemiola.write("file", "")
    said = hemiola.refused("data", "wordnet", "--out", "file/x")
    assert "file/x" in said or "apt-get install wordnet-base" in said


def test_missing_job_file(hemiola):
    assert hemiola.refused("train", "none.toml") == (
        "the job file none.toml cannot be read: No such file or directory")


@pytest.mark.parametrize("nodes", ["1", "4"])
def test_missing_data_file_is_told_once(hemiola, nodes):
    job = hemiola.write("a.toml", '[data]\nkind = "ratings"\ntrain = "none.tsv"\n')
    said = hemiola.refused("train", job, "--nodes", nodes, "--quiet")
    assert "none.tsv" in said and "No such file" in said


@pytest.mark.parametrize("nodes", ["1", "4"])
def test_broken_line_with_file_and_number(hemiola, nodes):
    job = ratings_job(hemiola, "r.tsv", "1\t1\t5\n1\t2\t4\n2\tx\t3\n")
    said = hemiola.refused("train", job, "--nodes", nodes, "--quiet")
    assert f"{hemiola.folder}/r.tsv:3: " in said


def test_broken_libsvm_line(hemiola):
    hemiola.write("a.svm", "1 1:1\n0 2:1 2:x\n")
    job = hemiola.write("a.toml", '[data]\nkind = "libsvm"\ntrain = "a.svm"\n'
                                  '[model]\nkind = "linear"\n')
    assert "a.svm:2: " in hemiola.refused("train", job, "--quiet")


def test_truncated_gz(hemiola):
    whole = gzip.compress(b"".join(b"%d\t%d\t3\n" % (i % 97, i % 89) for i in range(50_000)))
    job = ratings_job(hemiola, "r.tsv.gz", whole[: len(whole) // 2])
    said = hemiola.refused("train", job, "--quiet")
    assert "r.tsv.gz" in said


def test_key_out_of_range(hemiola):
    job = ratings_job(hemiola, "r.tsv", "1\t1\t5\n1\t4000000000\t4\n")
    said = hemiola.refused("train", job, "--quiet")
    assert "r.tsv:2: " in said and "4000000000" in said


def test_empty_file(hemiola):
    job = ratings_job(hemiola, "r.tsv", "")
    assert "r.tsv" in hemiola.refused("train", job, "--quiet")


def test_fold_that_is_not_there(hemiola):
    job = ratings_job(hemiola, "r.tsv", "1\t1\t5\t1\n1\t2\t4\t2\n",
                      "fold_column = 4\ntest_fold = 7\n")
    assert "r.tsv" in hemiola.refused("train", job, "--quiet")


def test_model_and_data_that_do_not_go_together(hemiola):
    said = hemiola.refused("train", hemiola.job, "model.kind=linear")
    assert said == ('model.kind = "linear" learns from sparse examples, but data.generator is '
                    '"ratings"')


def test_table_that_is_not_there(hemiola):
    said = hemiola.refused("train", hemiola.job, "sync.tables.itmes=ssp(1)", "--quiet")
    assert "`itmes`" in said and "`factors`" in said


@pytest.mark.parametrize("nodes", ["1", "4"])
def test_divergence_is_told_with_the_remedy(hemiola, nodes):
    said = hemiola.refused("train", hemiola.job, "train.optimizer=sgd", "train.rate=1e6",
                           "--nodes", nodes, "--quiet")
    assert "rate" in said


def test_folder_that_cannot_be_written(hemiola):
    hemiola.write("file", "")
    said = hemiola.refused("train", hemiola.job, "--out", "file/run", "--quiet")
    assert "file/run" in said


@pytest.mark.parametrize("words", [[], ["trian"], ["train"], ["train", "a", "--nodes", "x"],
                                   ["train", "a", "--bad"], ["sim", "a", "--stall-chance", "7"]])
def test_usage_errors_have_status_2(hemiola, words):
    done = hemiola.run(*words)
    assert done.returncode == 2 and done.stderr and not done.stdout


def launched(rank, size, port):
    return {"RANK": str(rank), "WORLD_SIZE": str(size), "LOCAL_RANK": str(rank),
            "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}


def rendezvous_port(port):
    """torchrun keeps MASTER_PORT for itself."""
    return port + 1


def test_port_in_use(hemiola):
    port = free_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", rendezvous_port(port)))
        other.listen()
        said = hemiola.refused("train", hemiola.job, "--quiet", env=launched(0, 2, port))
    assert str(rendezvous_port(port)) in said and "in use" in said


def test_node_that_never_arrives(hemiola):
    said = hemiola.refused("train", hemiola.job, "cluster.join_timeout_s=1", "--quiet",
                           env=launched(0, 2, free_port()))
    assert "node 1 never arrived" in said


def test_launcher_that_tells_too_little(hemiola):
    env = launched(0, 2, free_port())
    del env["MASTER_ADDR"]
    assert "MASTER_ADDR" in hemiola.refused("train", hemiola.job, env=env)


def secret(hemiola, mode=0o600):
    path = hemiola.write("secret", "0123456789abcdef0123456789abcdef\n")
    os.chmod(path, mode)
    return f"cluster.secret_file={path}"


def test_nodes_of_different_jobs(hemiola):
    port = free_port()
    first = hemiola.start("train", hemiola.job, "--quiet", secret(hemiola),
                          env=launched(0, 2, port))
    try:
        said = hemiola.refused("train", hemiola.job, "--quiet", secret(hemiola),
                               "train.epochs=9", env=launched(1, 2, port))
        assert "train.epochs = 9" in said and "train.epochs = 4" in said
    finally:
        end(first)


def test_node_without_the_secret(hemiola):
    port = free_port()
    first = hemiola.start("train", hemiola.job, "--quiet", secret(hemiola),
                          env=launched(0, 2, port))
    try:
        said = hemiola.refused("train", hemiola.job, "--quiet", "cluster.join_timeout_s=1",
                               env=launched(1, 2, port))
        assert "secret" in said
    finally:
        end(first)


def test_secret_that_others_may_read(hemiola):
    said = hemiola.refused("train", hemiola.job, secret(hemiola, 0o644),
                           env=launched(0, 2, free_port()))
    assert "chmod 600" in said


def test_strangers_on_the_port_do_not_disturb_a_job(hemiola):
    port = free_port()
    first = hemiola.start("train", hemiola.job, "--quiet", env=launched(0, 2, port))
    second = None
    try:
        def connected():
            try:
                return socket.create_connection(("127.0.0.1", rendezvous_port(port)))
            except OSError:
                return None
        wait_until(connected)
        garbage = [os.urandom(4096), b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100_000, b""]
        strangers = [connected() for _ in garbage]
        for stranger, bytes_ in zip(strangers, garbage):
            try:
                stranger.sendall(bytes_)
            except OSError:
                pass  # refused already
        second = hemiola.start("train", hemiola.job, "--quiet", env=launched(1, 2, port))
        assert second.wait(timeout=60) == 0, second.stderr.read()
        assert first.wait(timeout=60) == 0, first.stderr.read()
        for stranger in strangers:
            stranger.close()
        assert hemiola.summary()["nodes"] == 2
    finally:
        end(first)
        if second:
            end(second)


def test_real_data_reach_their_known_quality(hemiola):
    data = ROOT.parent / "shared" / "data"
    if not (data / "ml-1m").exists():
        pytest.skip(f"{data}/ml-1m is not here")
    done = hemiola.run("train", str(ROOT / "examples" / "movielens.toml"), "--quiet",
                       f"data.train={data}/ml-1m/ratings.tsv.zst")
    assert done.returncode == 0, done.stderr
    assert hemiola.summary("runs/movielens")["final"]["metrics"]["rmse"] <= 0.855
    done = hemiola.run("train", str(ROOT / "examples" / "a9a.toml"), "--quiet",
                       f"data.train={data}/a9a/a9a.zst", f"data.test={data}/a9a/a9a.t.zst")
    assert done.returncode == 0, done.stderr
    assert hemiola.summary("runs/a9a")["final"]["metrics"]["accuracy"] >= 0.848
