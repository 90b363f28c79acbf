"""The second book's networks: files, bad arguments, optimizers and copies."""

# ruff: noqa: NPY002

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from refused import refused
from second_networks import WORDS, V, every_network, made

from fastnet.datasets import load_sequence, make_addition
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam
from fastnet.textbook import second
from fastnet.textbook.second import (
    BetterRnnlm,
    PeekySeq2seq,
    Rnnlm,
    RnnlmGen,
    Seq2seq,
    Trainer,
    eval_seq2seq,
)


@every_network
def test_parameters_come_back(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network, other = made(second, name), made(second, name, seed=4)
    if not hasattr(network, "save_params"):
        pytest.skip("the book's word vectors are saved by themselves")
    arrays = [*other.params]
    network.save_params()
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.safetensors"]
    other.load_params()
    for param, kept, array in zip(network.params, other.params, arrays, strict=True):
        assert_array_equal(param, kept)
        assert kept is array  # which the layers use
    narrow = made(second, name, "float32")
    narrow.load_params()
    assert_array_equal(narrow.params[0], network.params[0].astype("float32"))
    network.save_params(tmp_path / "other")
    other.load_params(str(tmp_path / "other"))


def test_files_of_others_are_refused(tmp_path):
    network, path = made(second, "Rnnlm"), tmp_path / "file"
    kept = [param.copy() for param in network.params]
    where, rest = "Rnnlm.load_params: path must be", "Give a file that save_params wrote."
    refused(
        lambda: network.load_params(path),
        FileNotFoundError,
        f"{where} a saved model, got {str(path)!r}, which does not exist. Give the file that "
        "save_params wrote.",
    )
    Rnnlm(V, 4, 6).save_params(path)
    refused(
        lambda: network.load_params(path),
        ValueError,
        f"{where} a whole model file of fastnet, got {str(path)!r}: array 1 is float32 (4, 24), "
        f"where params[1] of this network is float64 (4, 20). {rest}",
    )
    Seq2seq(V, 4, 5).save_params(path)
    refused(
        lambda: network.load_params(path),
        ValueError,
        f"{where} a whole model file of fastnet, got {str(path)!r}: arrays 0, 1, 2, 3, 4, 5, 6, 7, "
        f"8, 9, where this network has 0, 1, 2, 3, 4, 5. {rest}",
    )
    path.write_bytes(b"\x80\x04]\x94.")  # a pickle, of an empty list
    with pytest.raises(ValueError, match=r"^Rnnlm.load_params: path must be a whole model file"):
        network.load_params(path)
    for param, before in zip(network.params, kept, strict=True):
        assert_array_equal(param, before)
    network.save_params(path)
    with pytest.raises(ValueError, match=r"^load_model: path must be a whole model file"):
        Sequential.load(path)


SIZES = {"vocab_size": 5, "wordvec_size": 4, "hidden_size": 4}


@pytest.mark.parametrize(
    "name", ["SimpleRnnlm", "Rnnlm", "BetterRnnlm", "Seq2seq", "Encoder", "AttentionDecoder"]
)
def test_bad_sizes(name):
    kind, state = getattr(second, name), np.random.get_state()[1].copy()
    for size in SIZES:
        refused(
            lambda size=size: kind(**SIZES | {size: 0}),
            ValueError,
            f"{name}: {size} must be at least 1, got 0. Give a positive int.",
        )
    refused(
        lambda: kind(**SIZES, dtype="float16"),
        TypeError,
        f"{name}: dtype must be float32 or float64, got 'float16'. Give dtype=\"float32\" or "
        'dtype="float64".',
    )
    assert_array_equal(np.random.get_state()[1], state)


def test_other_bad_arguments():
    refused(
        lambda: BetterRnnlm(5, 4, 6),
        ValueError,
        "BetterRnnlm: hidden_size must be wordvec_size, as the scores take the table of words, got "
        "6 and 4. Give the same number.",
    )
    refused(
        lambda: BetterRnnlm(5, 4, 4, 1.0),
        ValueError,
        "BetterRnnlm: dropout_ratio must be at least 0 and below 1, got 1.0. Give a number such as "
        "0.5.",
    )
    for name in ("CBOW", "SkipGram"):
        refused(
            lambda name=name: getattr(second, name)(3, 4, 1, [0, 1, 3]),
            IndexError,
            f"{name}: corpus must be in 0..2 for vocab_size=3, got corpus[2]=3. Count words from "
            "0, or give a larger vocab_size.",
        )
    model, network = RnnlmGen(5, 4, 4), PeekySeq2seq(5, 4, 4)
    refused(
        lambda: model.generate(5),
        IndexError,
        "RnnlmGen.generate: start_id must be in 0..4 for vocab_size=5, got start_id[0]=5. Count "
        "words from 0, or give a larger vocab_size.",
    )
    refused(
        lambda: model.generate(1, range(5)),
        ValueError,
        "RnnlmGen.generate: skip_ids must leave a word, got all 5. Leave some of them out.",
    )
    refused(
        lambda: network.generate([[1, 2]], 1, 0),
        ValueError,
        "PeekySeq2seq.generate: sample_size must be at least 1, got 0. Give a positive int.",
    )
    refused(
        lambda: network.forward([[1, 2]], [[1]]),
        ValueError,
        "PeekySeq2seq.forward: ts must be (N, A) with two characters or more, got ts.shape=(1, 1). "
        "Give answers that begin with a mark.",
    )
    refused(
        lambda: Seq2seq(5, 4, 4).encoder.backward(np.zeros((1, 4))),
        RuntimeError,
        "Encoder.backward: call forward first.",
    )


@pytest.mark.slow
def test_sums_are_learnt_as_in_the_book():
    """0.97 after 25 epochs of two minutes' training in all."""
    (x, t), (x_test, t_test), (_, id_to_char) = load_sequence(make_addition())
    np.random.seed(0)
    model = PeekySeq2seq(13, 16, 128)
    trainer = Trainer(model, Adam())
    trainer.fit(x[:, ::-1], t, 25, batch_size=128, max_grad=5.0, eval_interval=None)
    assert eval_seq2seq(model, x_test[:, ::-1], t_test, id_to_char) >= 0.95 * len(x_test)


def test_sgd_takes_the_lists_of_a_network():
    network = made(second, "Rnnlm")
    before = network.forward(*WORDS)
    network.backward()
    SGD(lr=1.0).update(network.params, network.grads)
    network.reset_state()
    assert network.forward(*WORDS) < before


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_stay_tied(copied, tmp_path):
    np.random.seed(0)
    model = second.BetterRnnlm(7, 4, 4)
    other = copied(model)
    other.params[0][...] = 0
    assert not other.params[7].any() and model.params[7].any()
    assert other.layers[-1].params[0] is other.params[7]
    model.save_params(tmp_path / "model.safetensors")
    other.load_params(tmp_path / "model.safetensors")
    for array, same in zip(model.params, other.params, strict=True):
        assert_array_equal(array, same)
