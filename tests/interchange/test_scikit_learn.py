"""From scikit-learn: the same predictions."""

import importlib

import numpy as np
import pytest
from interchanged import RNG

from fastnet import checks
from fastnet.models import Sequential


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("module", ["sklearn.neural_network", "fastnet.sklearn"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu", "gelu"])
def test_from_sklearn(module, activation):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    neural = importlib.import_module(module)
    if activation == "gelu" and module != "fastnet.sklearn":
        return
    x = RNG.normal(size=(40, 5))
    options = {
        "hidden_layer_sizes": (6, 4),
        "activation": activation,
        "max_iter": 5,
        "random_state": 0,
    }
    names = np.array(["a", "b", "c"])
    three = neural.MLPClassifier(**options).fit(x, names[np.arange(40) % 3])
    model = Sequential.from_sklearn(three)
    np.testing.assert_allclose(model.predict_proba(x), three.predict_proba(x), rtol=0, atol=1e-12)
    assert (names[model.predict(x).argmax(1)] == three.predict(x)).all()
    two = neural.MLPClassifier(**options).fit(x, np.arange(40) % 2)
    found = Sequential.from_sklearn(two).predict(x)[:, 0]
    np.testing.assert_allclose(found, two.predict_proba(x)[:, 1], rtol=0, atol=1e-12)
    many = neural.MLPClassifier(**options).fit(x, (x[:, :3] > 0).astype(int))
    found = Sequential.from_sklearn(many).predict(x)
    np.testing.assert_allclose(found, many.predict_proba(x), rtol=0, atol=1e-12)
    for t in (x[:, 0], x[:, :2]):
        numbers = neural.MLPRegressor(**options).fit(x.astype("float32"), t.astype("float32"))
        model = Sequential.from_sklearn(numbers, seed=0)
        found = model.predict(x.astype("float32")).reshape(t.shape)
        assert model.dtype == "float32"
        np.testing.assert_allclose(found, numbers.predict(x.astype("float32")), rtol=0, atol=1e-5)
        before = model.evaluate(x, t)["loss"]
        model.fit(x, t, epochs=5, verbose=0)
        model.fit(x, t, epochs=5, verbose=0)
        assert model.evaluate(x, t)["loss"] < before
    with pytest.raises(TypeError) as caught:
        Sequential.from_sklearn(neural.MLPRegressor())
    assert str(caught.value) == (
        "Sequential.from_sklearn: mlp must be an MLPClassifier or MLPRegressor that is fitted, got "
        "MLPRegressor. Call mlp.fit(x, t) first."
    )


def test_a_library_that_is_not_there():
    with pytest.raises(
        ImportError, match=r"^here: nothing must be installed, got .*\. Run pip install x\.$"
    ):
        checks.library("here", "nothing", "x")
