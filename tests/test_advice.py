"""Each error's advice is followed, and leads to a call that works."""

import functools
import re
import sys

import numpy as np
import pytest
import scipy.sparse

from fastnet import layers, losses, optimizer
from fastnet.checks.habits import OF
from fastnet.datasets import load_mnist
from fastnet.functions import cross_entropy_error
from fastnet.layers import Affine, Dense, Dropout, Embedding, LeakyRelu, Relu
from fastnet.losses import LOSSES, Huber
from fastnet.losses.names import ALIASES
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam, Momentum, RMSprop

RNG = np.random.default_rng(0)
X, T = RNG.random((12, 3)), np.arange(12) % 3
NAMES = {
    name: vars(module)[name] for module in (layers, losses, optimizer) for name in module.__all__
}
NAMES |= {"numpy": np, "Sequential": Sequential}


def model(units=3, loss="softmax_cross_entropy", inputs=None):
    return Sequential([Dense(units, input_shape=inputs)], loss, seed=0)


def fit(x, t, **options):
    return model(**options).fit(x, t, verbose=0)


def said(call, *arguments, **named):
    """The message of an error of one line."""
    with pytest.raises((TypeError, ValueError, IndexError)) as caught:
        call(*arguments, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def expression(message, **names):
    """What the code at the end of a message gives."""
    code = re.split("Give an object, |Give |: |of labels, ", message.rstrip("."))[-1]
    return eval(code, {**NAMES, **names})


class Frame:
    """As much of pandas' frame as a check looks at: columns of one length, by name."""

    def __init__(self, **columns):
        self.held = {name: np.asarray(column) for name, column in columns.items()}
        self.columns, self.dtypes = list(columns), [c.dtype for c in self.held.values()]

    def __getitem__(self, name):
        return self.held[name]

    def __array__(self, dtype=None, copy=None):
        kinds = {column.dtype for column in self.held.values()}
        dtype = dtype or (object if len(kinds) > 1 else None)
        return np.column_stack([c.astype(dtype or c.dtype) for c in self.held.values()])


# x, and what of the message is the way to go on.
UNFIT = {
    "complex": X + 1j,
    "objects": X.astype(object),
    "text that is numbers": X.astype(str).tolist(),
    "long double": X.astype(np.longdouble),
    "bool and float": Frame(a=X[:, 0] > 0.5, b=X[:, 1], c=X[:, 2]),
    "fields": np.rec.fromarrays(X.T, names="a,b,c"),
    "sparse matrix": scipy.sparse.csr_matrix(X),
    "sparse array": scipy.sparse.coo_array(X),
    "dates": (X * 9).astype("M8[D]"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_x_that_holds_no_numbers(case):
    x = UNFIT[case]
    message = said(fit, x, T)
    code = re.search(r"(numpy\.\S+?\(x(?:, \w+)?\)(?:\.astype\(float\))?|x\.toarray\(\))", message)
    import numpy.lib.recfunctions  # noqa: F401  of the advice

    fit(eval(code[1], {"numpy": np, "x": x}), T)


def test_sparse_x_is_known_without_scipy(monkeypatch):
    class Sparse:
        def toarray(self):
            return X

    monkeypatch.setitem(sys.modules, "scipy", None)
    message = said(fit, Sparse(), T)
    assert message == (
        "Sequential.fit: x must be an array of integers, float16, float32 or float64, got a sparse "
        "Sparse. Give x.toarray()."
    )
    fit(expression(message, x=Sparse()), T)


def test_a_mixed_frame_names_the_columns_that_are_no_numbers():
    frame = Frame(
        age=[1.5] * 12, name=["a"] * 12, born=np.full(12, "2020", "M8[D]"), sold=["2"] * 12
    )
    message = said(fit, frame, T)
    assert message == (
        "Sequential.fit: x must be an array of integers, float16, float32 or float64, got a Frame "
        "with columns that are no numbers: 'name', 'born'. Leave them out, or encode them as "
        "numbers."
    )
    bad = eval(f"({re.search('numbers: (.*?)[.]', message)[1]})")
    rest = Frame(**{name: frame[name] for name in frame.columns if name not in bad})
    fit(expression(said(fit, rest, T), x=rest), T)  # the text "2" is a number


def test_a_frame_of_pandas():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame({"age": X[:, 0], "name": ["a"] * 12, "old": X[:, 0] > 0.5})
    message = said(fit, frame, T)
    assert "got a DataFrame with columns that are no numbers: 'name'. Leave them out" in message
    rest = frame.drop(columns=["name"])
    fit(expression(said(fit, rest, T), x=rest), T)


def test_one_entry_that_is_no_number_is_named():
    x = X.astype(object)
    x[4, 1] = None
    assert said(fit, x, T).endswith(
        "got dtype object with x[4, 1]=None. Give a real number there, or leave out what is not "
        "known."
    )
    fit(np.delete(x, 4, 0).astype(float), np.delete(T, 4))
    x[4, 1] = "male"
    message = said(fit, x, T)
    assert message.endswith("x[4, 1]='male'. Leave column 1 out, or encode it as numbers.")
    fit(np.delete(x, 1, 1).astype(float), T)


@pytest.mark.parametrize("known", [None, 1])
def test_one_feature_is_a_column(known):
    message = said(fit, X[:, 0], X[:, 0], units=1, loss="mse", inputs=known)
    assert "Reshape samples of one feature to (N, 1): x.reshape(-1, 1)" in message
    fit(X[:, 0].reshape(-1, 1), X[:, 0], units=1, loss="mse", inputs=known)


def test_one_sample_is_a_row():
    ready = model(inputs=3)
    message = said(ready.evaluate, X[0], T[:1])
    assert message.endswith("Reshape one sample to (1, D): x.reshape(1, -1).")
    ready.evaluate(expression(message, x=X[0]), T[:1])


# t, and the outputs that there are: the advice gives labels.
LABELS = {
    "names": np.array(["cat", "dog", "eel"])[T],
    "a list of names": np.array(["cat", "dog", "eel"])[T].tolist(),
    "objects of names": np.array(["cat", "dog", "eel"], object)[T],
    "floats": T.astype(float),
    "a list of floats": T.astype(float).tolist(),
    "text that is numbers": T.astype(str),
    "objects of numbers": T.astype(object),
    "signs": np.where(T == 0, -1, 1),
    "large numbers": 10**9 + T,
}


@pytest.mark.parametrize("case", LABELS)
def test_labels_become_numbers(case):
    t = LABELS[case]
    labels = expression(said(fit, X, t), t=t)
    fit(X, labels)
    found = set(zip(np.asarray(t).tolist(), labels.tolist(), strict=True))
    assert len(found) == len(set(np.asarray(t).tolist())) > 1  # to each its own number


@pytest.mark.parametrize("units", [1, 5])
@pytest.mark.parametrize("form", [lambda t: t, lambda t: np.eye(10)[t]], ids=["labels", "one-hot"])
def test_more_classes_than_outputs(units, form):
    x, t = RNG.random((20, 3)), form(np.arange(20) % 10)
    message = said(fit, x, t, units=units)
    units = re.search(r"Give the last layer (\d+) units, one for each class\.", message)[1]
    fit(x, t, units=int(units))


def test_two_classes_and_one_output():
    t = T % 2
    message = said(fit, X, t, units=1)
    assert message.endswith(
        "t[1]=1. Give the last layer 2 units, one for each class; one output goes with "
        'loss="sigmoid_cross_entropy".'
    )
    fit(X, t, units=2)
    fit(X, t, units=1, loss="sigmoid_cross_entropy")


def test_classes_counted_from_one():
    message = said(fit, X, T + 1)
    assert message.endswith(
        "t[2]=3. Count classes from 0: t - 1; or give the last layer 4 units, one for each class."
    )
    fit(X, T)
    fit(X, T + 1, units=4)


def test_labels_of_a_function():
    y = np.full((12, 2), 0.5)
    message = said(cross_entropy_error, y, T)
    assert message.endswith("t[2]=2. Give y 3 columns, one for each class.")
    cross_entropy_error(np.full((12, 3), 1 / 3), T)


def test_targets_of_a_regression():
    message = said(fit, X, T, loss="mse")
    assert message.endswith("got t.shape=(12,). Make one-hot rows of labels, numpy.eye(3)[t].")
    fit(X, expression(message, t=T), loss="mse")
    message = said(fit, X, T + 0.5, loss="mse")
    assert message.endswith("got t.shape=(12,). Give the last layer 1 unit.")
    fit(X, T + 0.5, loss="mse", units=1)
    message = said(fit, X, X[:, :2], loss="mse")
    assert message.endswith("got t.shape=(12, 2). Give the last layer 2 units.")
    fit(X, X[:, :2], loss="mse", units=2)
    message = said(fit, X, T + 0.5)
    assert message.endswith(
        "Give the numbers of classes; for real targets take a loss of regression."
    )


def test_row_numbers():
    rows = [[0.0, 2.0]]
    layer = Embedding(np.ones((3, 2)))
    layer.forward(expression(said(layer.forward, rows), idx=rows))
    assert said(layer.forward, [[0.5]]).endswith("Give whole numbers.")


def test_features_of_a_product():
    layer = Affine(np.ones((4, 2)), np.zeros(2))
    assert said(layer.forward, np.ones((3, 5))).endswith("Give x of shape (N, 4).")
    x = np.ones((2, 4, 4))
    assert said(layer.forward, x).endswith("got x.shape=(2, 4, 4). Reshape x to (N, 4).")
    layer.forward(x.reshape(-1, 4))


# ------------------------------------------------------------------------- one optimizer for all


@pytest.mark.parametrize("kind", [Momentum, Adam, RMSprop])
def test_one_list_of_all_parameters(kind):
    stack = [Affine(X.T.copy(), np.zeros(12)), Affine(X.copy(), np.zeros(3))]
    made = kind()
    made.update(stack[0].params, stack[0].params)
    message = said(made.update, stack[1].params, stack[1].params)
    assert message.endswith(
        "Give all parameters at each step, in one list or dict, and change them in place; for "
        "others make a new optimizer, or call reset()."
    )
    made.reset()
    made.update(stack[1].params, stack[1].params)
    params = [param for layer in stack for param in layer.params]
    made = kind()
    for _ in range(2):
        made.update(params, params)


# ------------------------------------------------------------------------------------- the names


def test_other_libraries_names_of_losses():
    y, t = np.array([[0.3, 0.7], [0.6, 0.4]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    log = np.log
    # What Keras and PyTorch document.
    means = {
        "mse": ((y - t) ** 2).mean(),
        "l1_loss": abs(y - t).mean(),
        "smooth_l1_loss": ((y - t) ** 2 / 2).mean(),
        "bce": -(t * log(y) + (1 - t) * log(1 - y)).mean(),
        "bce_with_logits": (log(1 + np.exp(y)) - t * y).mean(),
        "categorical_crossentropy": -(t * log(y)).sum(1).mean(),
        "kl_divergence": (t * log(np.where(t, t, 1) / y)).sum(1).mean(),
        "cosine_similarity": -((y * t).sum(1) / np.sqrt((y**2).sum(1))).mean(),
        "cross_entropy": (log(np.exp(y).sum(1)) - (y * t).sum(1)).mean(),
    }
    for name, value in means.items():
        loss = Sequential(loss=name)._loss
        np.testing.assert_allclose(loss.forward(y, t), value, rtol=1e-6)
    assert set(ALIASES.values()) <= {*LOSSES}


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_is_a_loss(alias):
    assert alias not in LOSSES
    assert Sequential(loss=alias).loss == ALIASES[alias]


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("swish", "silu"),
        ("linear", "identity"),
        ("logistic", "sigmoid"),
        ("leakyrelu", "leaky_relu"),
    ],
)
def test_other_libraries_names_of_activations(alias, name):
    layer = Dense(2, activation=alias)
    assert layer.activation == name
    by_name, by_alias = (Sequential([Dense(4, name), Dense(3)], seed=0) for _ in range(2))
    by_alias.layers[0].activation = alias  # set later
    by_name.fit(X, T, epochs=2, verbose=0)
    by_alias.fit(X, T, epochs=2, verbose=0)
    np.testing.assert_array_equal(by_alias.predict(X), by_name.predict(X))
    out = by_name.layers[0].forward(X.astype(np.float32))
    np.testing.assert_array_equal(by_alias.layers[0].forward(X.astype(np.float32)), out)


@pytest.mark.parametrize(
    ("make", "typed"),
    [
        (lambda name: Sequential([Dense(3)], name), "meen_squared_error"),
        (lambda name: Sequential([Dense(3)], name), "softmax-crossentropy"),
        (lambda name: Sequential([Dense(3)], name), "Huber"),
        (lambda name: Sequential(loss=name), "binary_crossentropi"),
        (lambda name: Dense(2, name), "ReLU"),
        (lambda name: Dense(2, name), "LeakyReLU"),
        (lambda name: Dense(2, name), "gellu"),
    ],
)
def test_near_misses_of_names(make, typed):
    message = said(make, typed)
    meant = re.search(r"must be one of \d+ names, got '.*'\. Did you mean '(\w+)'\?$", message)[1]
    make(meant)


def test_a_name_like_no_other_lists_all():
    message = said(Sequential, [Dense(3)], "nothing")
    assert message == (
        f"Sequential: loss must be one of {', '.join(map(repr, LOSSES))}, got 'nothing'. "
        "Give one of these names."
    )


def test_softmax_as_an_activation():
    message = said(Sequential, [Dense(3, "softmax")])
    name = re.search(r"Leave that activation out, or .* use loss=\"(\w+)\"", message)[1]
    Sequential([Dense(3, "softmax")], name).fit(X, np.eye(3)[T], verbose=0)
    fit(X, T)


def test_classes_in_the_place_of_objects():
    message = said(Sequential, [Dense(3)], Huber)
    Sequential([Dense(3)], expression(message))
    for given in (Adam, "adam", "ADAM"):
        message = said(model().fit, X, T, optimizer=given)
        assert message.endswith("Give an object, Adam().")
        model().fit(X, T, optimizer=expression(message), verbose=0)
    for given in (Relu, "relu", 3):
        message = said(Sequential, [Dense(3), given])
        Sequential([Dense(3), eval(re.search(r"Add (?:an object, )?(.*)\.$", message)[1], NAMES)])


# ---------------------------------------------------------------------------- misplaced arguments

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
    "rate of Dropout": (lambda: Dropout(rate=0.5), "dropout_ratio=0.5"),
    "negative_slope of LeakyRelu": (lambda: LeakyRelu(negative_slope=0.1), "alpha=0.1"),
    "loss of Dense": (lambda: Dense(3, loss="huber"), "Sequential(layers, loss='huber')"),
    "delta": (lambda: Huber(detla=2.0), "delta=2.0"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISPLACED)
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


# --------------------------------------------------------------- what other libraries' objects have


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


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, found in OF.items() for name in found]
)
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


# --------------------------------------------------------------------------------- finite numbers


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("count", [12, 300])
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


# ----------------------------------------------------------------------------------------- files


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
