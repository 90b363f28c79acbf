"""Several outputs: training is that of the twin and of the definition, with any threads."""

import numpy as np
import pytest
from headed import KIND, LOSSES, SIZE, X, case, every_case, made, stack
from numpy.testing import assert_allclose

from fastnet import reference
from fastnet.optimizer import SGD, Adam


def twin(dtype="float64", **given):
    return reference.models.Sequential(
        stack(reference.layers), loss=LOSSES, dtype=dtype, seed=0, **given
    )


@pytest.mark.parametrize("weights", [None, [1, 3]])
@pytest.mark.parametrize("penalty", [0, 0.01])
@pytest.mark.parametrize("kind", ["SGD", "Momentum", "Adam"])
def test_training_is_that_of_the_twin(kind, penalty, weights):
    given = {"loss_weights": weights, "l1": penalty, "l2": penalty}
    model, other = made(**given), twin(**given)
    from fastnet import optimizer

    seen = model.fit(
        X, [KIND, SIZE], epochs=4, batch_size=10, optimizer=getattr(optimizer, kind)(), verbose=0
    ).to_dict()
    expected = other.fit(
        X, [KIND, SIZE], epochs=4, batch_size=10, optimizer=getattr(reference.optimizer, kind)()
    ).to_dict()
    del seen["seconds"]
    assert seen.keys() == expected.keys()
    for name in seen:
        assert_allclose(seen[name], expected[name], rtol=1e-12, atol=1e-13)
    assert_allclose(model.parameter_vector, other.parameter_vector, rtol=1e-11, atol=1e-12)
    for y, z in zip(model.predict(X), other.predict(X), strict=True):
        assert_allclose(y, z, rtol=1e-11, atol=1e-12)
    found, wanted = model.evaluate(X, [KIND, SIZE]), other.evaluate(X, [KIND, SIZE])
    assert found.keys() == wanted.keys()
    assert_allclose(list(found.values()), list(wanted.values()), rtol=1e-12)


@pytest.mark.parametrize("frozen", ["trunk", "first head", "a layer", "heads", "all but one"])
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_what_is_frozen_stays_and_the_rest_is_the_twins(kind, frozen):
    from fastnet import optimizer

    model, other = made(l2=0.01), twin(l2=0.01)
    for each in (model, other):
        trunk, heads = each.layers[:2], each.layers[2].heads
        chosen = {
            "trunk": trunk,
            "first head": heads[0],
            "a layer": [heads[1][0], trunk[0]],
            "heads": heads[0] + heads[1],
            "all but one": [*trunk, *heads[0], heads[1][0]],
        }[frozen]
        for layer in chosen:
            layer.trainable = False
    model.build(5)
    other.build(5)
    before = model.parameter_vector.copy()
    model.fit(X, [KIND, SIZE], 3, 10, getattr(optimizer, kind)(), verbose=0)
    other.fit(X, [KIND, SIZE], 3, 10, getattr(reference.optimizer, kind)())
    assert_allclose(model.parameter_vector, other.parameter_vector, rtol=1e-11, atol=1e-12)
    moved = model.parameter_vector != before
    assert 0 < np.count_nonzero(moved) <= sum(array.size for array in model.params)


def test_float32_is_near_float64():
    model, other = made("float32"), made("float64")
    for each in (model, other):
        each.fit(X, [KIND, SIZE], epochs=3, batch_size=7, verbose=0)
    assert model.parameter_vector.dtype == np.float32
    assert_allclose(model.parameter_vector, other.parameter_vector, rtol=2e-4, atol=2e-5)


@every_case
def test_a_step_of_fit_is_one_by_hand_and_both_are_the_definition(name):
    model, x, t = case(name, l2=0.01)
    weight = np.random.default_rng(4).uniform(0.5, 2, len(x))
    loss = model.forward(x, t, weight)
    exact, numerical = model.gradient(x, t, weight), model.numerical_gradient(x, t, weight)
    for one, other in zip(exact, numerical, strict=True):
        assert_allclose(one, other, rtol=1e-6, atol=1e-7)
    before = [array.copy() for array in model.params]
    history = model.fit(
        x, t, batch_size=len(x), optimizer=SGD(lr=0.1), shuffle=False, verbose=0,
        sample_weight=weight,
    )  # fmt: skip
    assert_allclose(history.loss, [loss], rtol=1e-12)
    for array, old, gradient in zip(model.params, before, exact, strict=True):
        assert_allclose(array, old - 0.1 * gradient, rtol=1e-9, atol=1e-11)


@every_case
def test_any_number_of_threads_and_of_epochs_in_a_call_gives_the_same_bits(name, team_of):
    found = []
    for members, each in ((1, 3), (2, 3), (2, 1)):
        model, x, t = case(name, dtype="float32")
        x, t = np.concatenate([x] * 4), [np.concatenate([one] * 4) for one in t]
        columns = {}
        team_of(members)
        for _ in range(3 // each):
            seen = model.fit(x, t, each, 70, Adam(), shuffle=False, verbose=0).to_dict()
            for column, values in seen.items():
                columns.setdefault(column, []).extend(values)
        del columns["seconds"]
        found.append((columns, model.parameter_vector.tobytes() if each == 3 else None))
        assert columns["loss"][-1] < columns["loss"][0]
    assert found[0] == found[1]


@every_case
def test_what_is_told_of_each_head_adds_up(name):
    model, x, t = case(name, l2=0.01)
    still = SGD(lr=1e-12)  # so that the losses before the updates are those after them
    history = model.fit(x, t, 2, 16, still, verbose=0, validation_data=(x, t))
    seen, names = model.evaluate(x, t), model.layers[-1].names
    assert seen == {key: history.to_dict()[f"val_{key}"][-1] for key in seen}
    shares = np.arange(1, len(t) + 1) / np.arange(1, len(t) + 1).sum()
    total = sum(w * seen[f"{name}_loss"] for w, name in zip(shares, names, strict=True))
    assert_allclose(seen["loss"], total + model._network.penalty(0, 0.01), rtol=1e-12)
    for j, (y, head) in enumerate(zip(model.predict(x), t, strict=True)):
        if f"{names[j]}_accuracy" in seen:
            counts = head >= 0
            share = (y.argmax(-1) == head)[counts].mean()
            assert_allclose(seen[f"{names[j]}_accuracy"], share)
            if name != "normalized":  # which trains by the batches' own statistics
                told = history.to_dict()[f"{names[j]}_loss"][-1]
                assert_allclose(told, seen[f"{names[j]}_loss"], rtol=1e-6)
