"""The first book's networks on kernels: the weight decay in their losses."""

import numpy as np
import pytest
from books_classes import on_kernels, own_of, same

X, LABELS = np.linspace(-1, 1, 12).reshape(3, 4), np.array([1, 0, 1])


@pytest.fixture(params=["MultiLayerNet", "MultiLayerNetExtend"])
def network(request, first):
    """Return a function that makes a network twice: as it is, and with the script's own loss."""
    module = {"MultiLayerNet": "multi_layer_net", "MultiLayerNetExtend": "multi_layer_net_extend"}
    kind = vars(getattr(first, module[request.param]))[request.param]
    assert set(on_kernels(kind)) == ({"loss"} if first.ours else set())

    def make(decay, dtype=np.float64):
        made = []
        for each in (kind, own_of(kind)):
            np.random.seed(3)  # noqa: NPY002  the book draws from it
            made.append(each(4, [5, 3], 2, weight_decay_lambda=decay))
            for layer in made[-1].layers.values():
                for name in ("W", "b") if hasattr(layer, "W") else ():
                    setattr(layer, name, getattr(layer, name).astype(dtype))
            made[-1].params = {k: v.astype(dtype) for k, v in made[-1].params.items()}
        return made

    return make


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("decay", [0, 0.3])
def test_losses_with_decay(network, decay, dtype):
    ours, own = network(decay, dtype)
    for i, t in enumerate((LABELS, np.eye(2)[LABELS])):
        ours.params["W2"] += i
        own.params["W2"] += i  # read at every call
        tolerance = 1e-12 if dtype == np.float64 else 1e-6
        same(ours.loss(X.astype(dtype), t), own.loss(X.astype(dtype), t), tolerance)
        same(ours.gradient(X.astype(dtype), t), own.gradient(X.astype(dtype), t), tolerance)


@pytest.mark.parametrize(
    "spoil", [np.asfortranarray, lambda W: W.astype(int), lambda W: W * np.nan]
)
def test_weights_that_are_no_usual_arrays(network, spoil):
    ours, own = network(0.3)
    for made in (ours, own):
        made.params["W1"] = spoil(made.params["W1"])
    same(ours.loss(X, LABELS), own.loss(X, LABELS))
