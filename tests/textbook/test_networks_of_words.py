"""The second book's networks: their twins, gradients, what they learn and answer."""

# ruff: noqa: NPY002

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from second_networks import ASKED, NETWORKS, WORDS, every_network, made

from fastnet.optimizer import Adam
from fastnet.reference.textbook import second as plain
from fastnet.textbook import second
from fastnet.textbook.second import (
    BetterRnnlm,
    Rnnlm,
    RnnlmGen,
    RnnlmTrainer,
    SimpleRnnlm,
    Trainer,
    eval_perplexity,
    eval_seq2seq,
    remove_duplicate,
)

MODELS = [name for name in NETWORKS if "Rnnlm" in name]
ANSWERING = [name for name in NETWORKS if name.endswith("eq2seq")]


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


@pytest.mark.parametrize("name", ANSWERING)
def test_answers_are_those_of_their_twins(name):
    ours, own = made(second, name), made(plain, name)
    for rows in (1, 2, 3):
        assert ours.generate(ASKED[0][:rows], 0, 4) == own.generate(ASKED[0][:rows], 0, 4)


def test_attention_maps_say_where_it_looked():
    network = made(second, "AttentionSeq2seq")
    network.forward(*ASKED)
    maps = np.array(network.decoder.attention.attention_weights)
    assert maps.shape == (4, 4, 6)  # steps of the answer, rows, steps of the question
    assert_allclose(maps.sum(axis=2), 1, rtol=1e-12)


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
