"""The second book's networks: against their twins, central differences, what they write, files.

Weights, masks and wrong words are drawn from NumPy's global generator, in the book's order.
"""

# ruff: noqa: NPY002

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.datasets import load_sequence, make_addition
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam
from fastnet.reference.textbook import second as plain
from fastnet.textbook import second
from fastnet.textbook.second import (
    BetterRnnlm,
    PeekySeq2seq,
    Rnnlm,
    RnnlmGen,
    RnnlmTrainer,
    Seq2seq,
    SimpleRnnlm,
    Trainer,
    convert_one_hot,
    create_contexts_target,
    eval_perplexity,
    eval_seq2seq,
    remove_duplicate,
)

RNG = np.random.default_rng(1)
V = 11
CORPUS = np.concatenate([np.arange(V), RNG.integers(0, V, 150)])
NEAR, MIDDLE = create_contexts_target(CORPUS, 1)
ONE_HOT = convert_one_hot(NEAR, V), convert_one_hot(MIDDLE, V)
FAR = tuple(array[:30] for array in create_contexts_target(CORPUS, 2))
WORDS = RNG.integers(0, V, (3, 6)), RNG.integers(0, V, (3, 6))
WORDS[1][1, 2:] = -1  # do not count
ASKED = RNG.integers(0, V, (4, 6)), RNG.integers(0, V, (4, 5))
# Name -> arguments, and what forward takes.
NETWORKS = {
    "SimpleCBOW": ((V, 5), ONE_HOT),
    "SimpleSkipGram": ((V, 5), ONE_HOT),
    "CBOW": ((V, 5, 2, CORPUS), FAR),
    "SkipGram": ((V, 5, 2, CORPUS), FAR),
    "SimpleRnnlm": ((V, 4, 5), WORDS),
    "Rnnlm": ((V, 4, 5), WORDS),
    "RnnlmGen": ((V, 4, 5), WORDS),
    "BetterRnnlm": ((V, 5, 5, 0.3), WORDS),
    "BetterRnnlmGen": ((V, 5, 5), WORDS),
    "Seq2seq": ((V, 4, 5), ASKED),
    "PeekySeq2seq": ((V, 4, 5), ASKED),
    "AttentionSeq2seq": ((V, 4, 5), ASKED),
}
every_network = pytest.mark.parametrize("name", NETWORKS)
MODELS = [name for name in NETWORKS if "Rnnlm" in name]
ANSWERING = [name for name in NETWORKS if name.endswith("eq2seq")]


def refused(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error and str(caught.value) == text


def made(side, name, dtype="float64", seed=3):
    np.random.seed(seed)
    return getattr(side, name)(*NETWORKS[name][0], dtype=dtype)


@every_network
def test_networks_are_those_of_their_twins(name):
    ours, own = made(second, name), made(plain, name)
    assert len(ours.params) == len(ours.grads) == len(own.params)
    for step in range(3):  # where a state goes on, it does on both sides
        found = []
        for network in (ours, own):
            np.random.seed(step)
            loss = network.forward(*NETWORKS[name][1])
            assert network.backward() is None
            params, grads = remove_duplicate(network.params, network.grads)
            found.append((loss, [grad.copy() for grad in grads]))
            for param, grad in zip(params, grads, strict=True):
                param -= 0.3 * grad
        (loss, grads), (its, others) = found
        assert loss == pytest.approx(its, rel=1e-13)
        for grad, other in zip(grads, others, strict=True):
            assert grad.dtype == np.float64 and np.abs(other).max() > 0
            assert_allclose(grad, other, rtol=0, atol=1e-13 * np.abs(other).max())


@every_network
def test_gradients_are_those_by_definition(name):
    network = made(second, name)
    params = remove_duplicate(network.params, [g.copy() for g in network.grads])[0]
    for param in params:  # larger than drawn: gradients that are more than rounding
        param += 0.3 * np.random.default_rng(param.size).standard_normal(param.shape)

    def loss():
        np.random.seed(5)  # the same masks and wrong words
        if hasattr(network, "reset_state"):
            network.reset_state()
        return network.forward(*NETWORKS[name][1])

    loss()
    network.backward(2.0)
    grads = [grad.copy() for grad in network.grads]
    params, grads = remove_duplicate(network.params, grads)
    rng, step = np.random.default_rng(0), 1e-5
    for param, grad in zip(params, grads, strict=True):
        for _ in range(6):
            at = tuple(rng.integers(0, n) for n in param.shape)
            kept = param[at]
            param[at] = kept + step
            above = loss()
            param[at] = kept - step
            below = loss()
            param[at] = kept
            # Losses with 1e-7 in their logarithm have a gradient without it, as in the book.
            tolerance = 1e-6 if name in ("SimpleCBOW", "SimpleSkipGram", "CBOW", "SkipGram") else 0
            assert grad[at] == pytest.approx((above - below) / step, rel=1e-6, abs=1e-8 + tolerance)


@every_network
def test_networks_are_float32_unless_asked(name):
    network = made(second, name, "float32")
    assert {array.dtype for array in network.params + network.grads} == {np.dtype(np.float32)}
    np.random.seed(3)
    assert_array_equal(getattr(second, name)(*NETWORKS[name][0]).params[0], network.params[0])
    # CBOW's hundredth is rounded after its numbers are.
    assert_allclose(network.params[0], made(second, name).params[0], rtol=2e-7)
    np.random.seed(0)
    loss = network.forward(*NETWORKS[name][1])
    wide = made(second, name)
    np.random.seed(0)
    assert loss == pytest.approx(wide.forward(*NETWORKS[name][1]), rel=1e-5)
    network.backward()
    assert all(np.isfinite(grad).all() for grad in network.grads)


def test_layers_use_the_arrays_of_params():
    network = made(second, "BetterRnnlm")
    table, *lstms, scores, _ = network.params
    assert network.layers[0].params[0] is table and scores.base is table
    assert network.layers[6].params[0] is scores
    assert lstms[3] is network.lstm_layers[1].params[0]
    assert [type(layer).__name__ for layer in network.layers] == [
        "TimeEmbedding", "TimeDropout", "TimeLSTM", "TimeDropout", "TimeLSTM", "TimeDropout",
        "TimeAffine",
    ]  # fmt: skip
    params, grads = remove_duplicate(network.params, network.grads)
    assert len(params) == len(grads) == 8 and params[0] is table
    assert made(second, "SimpleRnnlm").rnn_layer.stateful
    assert not made(second, "Seq2seq").encoder.lstm.stateful


def test_words_of_minus_one_do_not_count():
    for name in MODELS:
        losses = []
        for ts in (WORDS[1], np.where(WORDS[1] < 0, 3, WORDS[1])):
            network = made(second, name)
            np.random.seed(0)
            losses.append(network.forward(WORDS[0], ts))
        assert losses[0] != losses[1]
        network = made(second, name)
        np.random.seed(0)
        one = network.forward(WORDS[0][:1], WORDS[1][:1])
        network.reset_state()
        np.random.seed(0)
        both = network.forward(WORDS[0][:1], np.where(np.arange(6) < 6, WORDS[1][:1], -1))
        assert one == both


# --------------------------------------------------------------------------- they learn


@pytest.mark.parametrize("kind", [SimpleRnnlm, Rnnlm, BetterRnnlm])
def test_language_models_learn_a_text_by_heart(kind, capsys):
    corpus = np.tile(np.random.default_rng(0).permutation(12), 60)
    np.random.seed(0)
    model = kind(12, 16, 16)
    trainer = RnnlmTrainer(model, Adam(lr=0.02))
    trainer.fit(corpus[:-1], corpus[1:], 12, batch_size=4, time_size=10, max_grad=5.0)
    model.reset_state()
    assert eval_perplexity(model, corpus, 4, 10) < 1.5
    assert trainer.ppl_list[0] == pytest.approx(12, rel=0.1)
    model.reset_state()
    state = getattr(model, "lstm_layer", None)
    assert state is None or state.h is None


def test_the_trained_model_writes_the_text():
    text = np.random.default_rng(0).permutation(12)
    corpus = np.tile(text, 60)
    np.random.seed(0)
    model = RnnlmGen(12, 16, 16)
    trainer = RnnlmTrainer(model, Adam(lr=0.03))
    trainer.fit(corpus[:-1], corpus[1:], 15, 4, 10, eval_interval=None)
    model.reset_state()
    found = model.generate(int(text[0]), sample_size=30)
    wanted = np.tile(text, 3)[:30]
    assert np.mean(np.array(found) == wanted) > 0.8


@pytest.mark.parametrize("name", ANSWERING)
def test_answers_are_learnt(name):
    rng = np.random.default_rng(0)
    x = rng.integers(1, 6, (600, 3))
    t = np.concatenate([np.zeros((600, 1), int), x[:, ::-1]], axis=1)
    np.random.seed(0)
    model = getattr(second, name)(6, 8, 32)
    trainer = Trainer(model, Adam(lr=0.01))
    trainer.fit(x[:500], t[:500], 12, batch_size=20, max_grad=5.0, eval_interval=None)
    right = eval_seq2seq(model, x[500:], t[500:], {})
    assert right > 80
    one_by_one = [eval_seq2seq(model, a[None], b[None], {}) for a, b in zip(x, t, strict=True)]
    assert sum(one_by_one[500:]) == right
    assert model.generate(x[500:501], 0, 3) == model.generate(x[500:], 0, 3)[0]


def test_attention_maps_say_where_it_looked():
    network = made(second, "AttentionSeq2seq")
    network.forward(*ASKED)
    maps = np.array(network.decoder.attention.attention_weights)
    assert maps.shape == (4, 4, 6)  # steps of the answer, rows, steps of the question
    assert_allclose(maps.sum(axis=2), 1, rtol=1e-12)


# --------------------------------------------------------------------------- they write


@pytest.mark.parametrize("name", ["RnnlmGen", "BetterRnnlmGen"])
def test_texts_are_those_of_the_twin(name):
    found = []
    for side in (second, plain):
        network = made(side, name)
        np.random.seed(8)
        found.append(network.generate(3, skip_ids=[0, 4], sample_size=40))
    assert found[0] == found[1] and len(found[0]) == 40 and found[0][0] == 3
    assert not {0, 4} & set(found[0][1:]) and {type(word) for word in found[0]} == {int}
    network = made(second, name)
    np.random.seed(8)
    network.generate(3, sample_size=5)
    state = network.get_state()
    np.random.seed(9)
    first = network.generate(2, sample_size=20)
    network.set_state(state)
    np.random.seed(9)
    assert network.generate(2, sample_size=20) == first
    network.reset_state()
    np.random.seed(9)
    assert network.generate(4, sample_size=1) == [4]


@pytest.mark.parametrize("name", ANSWERING)
def test_answers_are_those_of_the_twin(name):
    ours, own = made(second, name), made(plain, name)
    assert ours.generate(ASKED[0], 2, 7) == own.generate(ASKED[0], 2, 7)
    assert ours.generate(ASKED[0][1:2], 2, 7) == own.generate(ASKED[0][1:2], 2, 7)


# --------------------------------------------------------------------------- files


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


# --------------------------------------------------------------------------- bad arguments

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
