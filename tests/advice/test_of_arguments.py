"""Misplaced arguments, other libraries' members, and files where they are not."""

import functools
import re

import numpy as np
import pytest
from in_turn import with_each
from told import NAMES, RNG, T, X, model, said

from fastnet.checks.habits import OF
from fastnet.datasets import load_mnist
from fastnet.layers import Dense, Dropout, LeakyRelu, Relu
from fastnet.losses import Huber
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam, Momentum, RMSprop

MISPLACED = {
    "loss in fit": (lambda: model().fit(X, T, loss="huber"), "Sequential(layers, loss='huber')"),
    "lr in fit": (lambda: model().fit(X, T, lr=0.5), "optimizer=SGD(lr=0.5)"),
    "learning_rate in fit": (
        lambda: model().fit(X, T, learning_rate=0.5), "optimizer=SGD(lr=0.5)"
    ),
    "momentum in fit": (
        lambda: model().fit(X, T, momentum=0.5), "optimizer=Momentum(momentum=0.5)"
    ),
    "seed in fit": (lambda: model().fit(X, T, seed=1), "Sequential(layers, seed=1)"),
    "random_state in fit": (
        lambda: model().fit(X, T, random_state=1), "Sequential(layers, seed=1)"
    ),
    "y in fit": (lambda: model().fit(X, y=T), "t=..."),
    "n_epochs in fit": (lambda: model().fit(X, T, n_epochs=2), "epochs=2"),
    "batchsize in fit": (lambda: model().fit(X, T, batchsize=2), "batch_size=2"),
    "validation_split in the constructor": (
        lambda: Sequential([Dense(3)], validation_split=0.1),
        "model.fit(x, t, validation_split=0.1)",
    ),
    "batch_size in evaluate": (
        lambda: model().evaluate(X, T, batch_size=2), "model.fit(x, t, batch_size=2)"
    ),
    "epochs in the constructor": (
        lambda: Sequential([Dense(3)], epochs=2), "model.fit(x, t, epochs=2)"
    ),
    "optimizer in the constructor": (
        lambda: Sequential([Dense(3)], optimizer="adam"), "model.fit(x, t, optimizer='adam')"
    ),
    "lr in the constructor": (lambda: Sequential([Dense(3)], lr=0.1), "optimizer=SGD(lr=0.1)"),
    "learning_rate of SGD": (lambda: SGD(learning_rate=0.1), "lr=0.1"),
    "momentum of SGD": (lambda: SGD(0.1, momentum=0.9), "optimizer=Momentum(momentum=0.9)"),
    "nesterov of Momentum": (lambda: Momentum(0.1, nesterov=True), "Nesterov()"),
    "beta_1 of Adam": (lambda: Adam(beta_1=0.8), "beta1=0.8"),
    "betas of Adam": (lambda: Adam(betas=(0.9, 0.99)), "beta1=0.9, beta2=0.999"),
    "epsilon of Adam": (lambda: Adam(epsilon=1e-6), "eps=1e-06"),
    "rho of RMSprop": (lambda: RMSprop(rho=0.9), "decay_rate=0.9"),
    "input_dim of Dense": (lambda: Dense(3, input_dim=4), "input_shape=4"),
    "initializer of Dense": (
        lambda: Dense(3, kernel_initializer="he"), "weight_init_std='he'"
    ),
    "Keras' initializer of Dense": (
        lambda: Dense(3, kernel_initializer="he_normal"), "weight_init_std='he'"
    ),
    "Keras' name of a number": (
        lambda: Dense(3, kernel_initializer="random_normal"), "weight_init_std=0.05"
    ),
    "zeros": (lambda: Dense(3, kernel_initializer="zeros"), "weight_init_std='zeros'"),
    "a name that is not here": (
        lambda: Dense(3, kernel_initializer="orthogonal"), "weight_init_std='he'"
    ),
    "kernel_regularizer": (
        lambda: Dense(3, kernel_regularizer="l2"), "Sequential(layers, l1=..., l2=...)"
    ),
    "rate of Dropout": (lambda: Dropout(rate=0.5), "dropout_ratio=0.5"),
    "negative_slope of LeakyRelu": (lambda: LeakyRelu(negative_slope=0.1), "alpha=0.1"),
    "loss of Dense": (lambda: Dense(3, loss="huber"), "Sequential(layers, loss='huber')"),
    "delta": (lambda: Huber(detla=2.0), "delta=2.0"),
}  # fmt: skip


@with_each("case", MISPLACED)
def test_misplaced_arguments(case):
    call, way = MISPLACED[case]
    message = said(call)
    assert re.fullmatch(
        r"[\w.]+: \w+ must be (called|given to) .*, got \w+=.*\. Give .*\.", message
    )
    assert message.endswith(f". Give {way}.")
    names = {**NAMES, "layers": [Dense(3)], "model": model(), "x": X, "t": T}
    if "..." in way or "_test" in way or "'adam'" in way:  # what only the user has
        return
    if way.startswith(("Sequential(", "model.", "Nesterov(")):
        eval(way, names)
        return
    target = {
        "fit": functools.partial(model().fit, X, T, verbose=0),
        "evaluate": functools.partial(model().evaluate, X, T),
    }
    where = message.split(":")[0]
    call = NAMES.get(where)
    if way.startswith("optimizer=") or where.endswith(".fit"):
        call = target["fit"]
    given = (3,) if where == "Dense" else ()
    eval(f"call(*given, {way})", {**NAMES, "call": call, "given": given})


def test_an_argument_that_nobody_has():
    message = said(model().fit, X, T, workers=[])
    assert message.startswith("Sequential.fit: workers must be one of x, t, epochs, batch_size, ")
    assert message.endswith(", got workers=[]. Leave it out.")


def test_a_type_error_from_within_stays_as_it_is():
    assert said(model().fit, X, T, epochs="2").startswith("Sequential.fit: epochs must be a whole")

    class Own(Relu):
        def __init__(self, size):
            super().__init__()
            self.size = size + 1

    with pytest.raises(TypeError, match="concatenate"):
        Own("a")
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'size'"):
        Own()
    assert said(Own, sise=2).endswith("Give size=2.")


def test_members_of_other_libraries_objects():
    ready = model(inputs=3)
    with pytest.raises(AttributeError) as caught:
        ready.compile(optimizer="adam", loss="mse")
    assert str(caught.value) == (
        "Sequential: name must be an attribute of Sequential, got 'compile', which is Keras'. Give "
        "the loss to the constructor, the others to fit: Sequential(layers, loss=...) and "
        "model.fit(x, t, optimizer=Adam(), metrics=[...])."
    )
    with pytest.raises(TypeError) as caught:
        ready(X)
    assert str(caught.value) == (
        "Sequential: method must be named, got a call of the object itself, as in Keras and "
        "PyTorch. Take model.predict(x), or model.forward(x) for a step by hand."
    )
    with pytest.raises(AttributeError, match=r"^'Sequential' object has no attribute 'fti'$"):
        ready.fti  # noqa: B018
    with pytest.raises(RuntimeError, match="the number of inputs must be known"):
        model().params  # noqa: B018  a property says its own
    assert not hasattr(ready.layers[0], "activity")


def test_a_member_that_another_base_has():
    class Scored:
        coefs_ = 5

        def score(self):
            return len(self.layers)

        @property
        def weights(self):
            return self.params

    class Model(Sequential, Scored):
        pass

    ready = Model([Dense(2, input_shape=3)])
    assert ready.score() == 1 and len(ready.weights) == 2 and ready.coefs_ == Model.coefs_ == 5
    assert {"score", "weights", "coefs_"} < set(dir(ready))
    with pytest.raises(AttributeError, match=r"^Model: name must be .* got 'pop'"):
        ready.pop  # noqa: B018


@with_each("kind, name", [(kind, name) for kind, found in OF.items() for name in found])
def test_the_way_out_of_such_a_member_works(kind, name):
    ready = Sequential([Dense(4, input_shape=3), Dense(3)], seed=0)
    history = ready.fit(X, T, optimizer=SGD(), verbose=0)
    names = {**NAMES, "model": ready, "layer": ready.layers[0], "optimizer": SGD()}
    names |= {"x": X, "t": T, "i": 0, "path": "model.safetensors", "history": history}
    objects = {"Sequential": ready, "Layer": ready.layers[0], "History": history}
    with pytest.raises(AttributeError, match=f", got '{name}', which is ") as caught:
        getattr(objects.get(kind, SGD()), name)
    message = str(caught.value)
    for code in re.findall(
        r"(?:model|layer|optimizer|history)\.[\w.]+(?:\[[^\]]*\])*[\w.]*", message
    ):
        eval(code.rstrip("."), names)
    assert message.endswith(".") and "\n" not in message


@with_each("bad", [np.nan, np.inf, -np.inf, 1e300])
@with_each("count", [12, 300])
def test_predict_refuses_what_is_not_finite_where_it_is_asked(bad, count):
    ready, x = model(inputs=3), RNG.random((count, 3))
    y = ready.predict(x, check_finite=True)
    np.testing.assert_array_equal(ready.predict(x), y)
    x[5, 1] = x[7, 0] = bad
    message = said(ready.predict, x, check_finite=True)
    assert message == (
        f"Sequential.predict: x must be finite in float32, got x[5, 1]={bad}, the first of 2. "
        "Fill it in, or leave out row 5."
    )
    with np.errstate(all="ignore"):
        found = ready.predict(x)  # as it was
    np.testing.assert_array_equal(np.delete(found, (5, 7), 0), np.delete(y, (5, 7), 0))
    assert not np.isfinite(found[[5, 7]]).all(axis=1).any()
    rest = np.delete(x, 5, 0)
    ready.predict(np.delete(rest, 6, 0), check_finite=True)
    assert said(ready.predict, x, check_finite=1).endswith("got 1. Give one of the two.")


def test_a_data_file_in_a_folder_of_its_name(tmp_path):
    nested = tmp_path / "train-images-idx3-ubyte" / "train-images-idx3-ubyte"
    nested.parent.mkdir()
    nested.write_bytes(b"")
    with pytest.raises(FileNotFoundError) as caught:
        load_mnist(tmp_path)
    assert str(caught.value) == (
        "load_mnist: path must hold train-images-idx3-ubyte or train-images-idx3-ubyte.gz, got it "
        f"in a folder of its own: {str(nested)!r}. Put that file in the place of its folder."
    )
    nested.rename(tmp_path / "kept")
    nested.parent.rmdir()
    (tmp_path / "kept").rename(tmp_path / "train-images-idx3-ubyte")
    with pytest.raises(FileNotFoundError, match="must hold train-labels-idx1-ubyte or"):
        load_mnist(tmp_path)


@pytest.mark.parametrize("below", ["raw", "MNIST/raw"])
def test_a_folder_below(tmp_path, below):
    folder = tmp_path / below
    folder.mkdir(parents=True)
    (folder / "train-images.idx3-ubyte.gz").write_bytes(b"")
    with pytest.raises(FileNotFoundError) as caught:
        load_mnist(tmp_path)
    assert str(caught.value).endswith(f"Give the folder {str(folder)!r}.")
    with pytest.raises(FileNotFoundError, match="must hold train-labels-idx1-ubyte or"):
        load_mnist(folder)
