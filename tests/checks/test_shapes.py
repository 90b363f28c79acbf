"""Shapes that do not fit: each is told with what would."""

import numpy as np
import pytest
from in_turn import with_each
from made_layers import B, W, X, affine, assign, built, called, read_only

from fastnet.functions import (
    cross_entropy_error,
    softmax,
    softmax_loss,
    sum_squared_error,
)
from fastnet.layers import (
    Affine,
    MatMul,
    Relu,
    Sigmoid,
    Softmax,
    SoftmaxWithLoss,
)
from fastnet.losses import (
    CategoricalHinge,
    Hinge,
    MeanSquaredError,
    SigmoidWithLoss,
    SoftmaxCrossEntropy,
)
from fastnet.optimizer import SGD

EMPTY_TABLE = "must have at least one row and one class, got"
EMPTY_ROWS = "must have at least one row and one feature, got"
SHAPES = [
    (lambda: softmax(1.0), "softmax: x must be (C,) or (N, C), got x.shape=(). {table}"),
    (lambda: softmax(np.zeros((2, 0, 4))), f"softmax: x {EMPTY_TABLE} x.shape=(0, 4). {{some}}"),
    (lambda: softmax([]), f"softmax: x {EMPTY_TABLE} x.shape=(0,). {{some}}"),
    (lambda: softmax(np.zeros((0, 4))), f"softmax: x {EMPTY_TABLE} x.shape=(0, 4). {{some}}"),
    (
        lambda: Softmax().forward(np.zeros((3, 0))),
        f"Softmax.forward: x {EMPTY_TABLE} x.shape=(3, 0). {{some}}",
    ),
    (
        lambda: cross_entropy_error(np.zeros((0, 4)), []),
        f"cross_entropy_error: y {EMPTY_TABLE} y.shape=(0, 4). {{some}}",
    ),
    (
        lambda: softmax_loss(np.zeros((0, 4)), []),
        f"softmax_loss: x {EMPTY_TABLE} x.shape=(0, 4). {{some}}",
    ),
    (
        lambda: softmax_loss(np.zeros((2, 3, 4)), [0, 0]),
        "softmax_loss: x must be (C,) or (N, C), got x.shape=(2, 3, 4). {table}",
    ),
    (
        lambda: cross_entropy_error(0.5, 0),
        "cross_entropy_error: y must be (C,) or (N, C), got y.shape=(). "
        "Reshape y to (N, C), with one row a sample.",
    ),
    (
        lambda: SoftmaxWithLoss().forward(X[0], 0),
        "SoftmaxWithLoss.forward: x must be (N, C), got x.shape=(4,). {table}",
    ),
    (
        lambda: SoftmaxWithLoss().forward(np.zeros((0, 4)), []),
        f"SoftmaxWithLoss.forward: x {EMPTY_TABLE} x.shape=(0, 4). {{some}}",
    ),
    (
        lambda: SoftmaxCrossEntropy().forward(np.zeros((1, 2, 3)), [0]),
        "SoftmaxCrossEntropy.forward: x must be (N, C), got x.shape=(1, 2, 3). {table}",
    ),
    (
        lambda: SoftmaxCrossEntropy().forward(np.zeros((0, 4)), []),
        f"SoftmaxCrossEntropy.forward: x {EMPTY_TABLE} x.shape=(0, 4). {{some}}",
    ),
    (
        lambda: MeanSquaredError().forward(X[0], X[0]),
        "MeanSquaredError.forward: x must be (N, C), got x.shape=(4,). {table}",
    ),
    (
        lambda: MeanSquaredError().forward(np.zeros((0, 4)), np.zeros((0, 4))),
        f"MeanSquaredError.forward: x {EMPTY_TABLE} x.shape=(0, 4). {{some}}",
    ),
    (
        lambda: MeanSquaredError().forward(X, X[:2]),
        "MeanSquaredError.forward: t must have shape (3, 4) to match x, got t.shape=(2, 4). "
        "Give one target for each output.",
    ),
    (
        lambda: sum_squared_error(X, X[0]),
        "sum_squared_error: t must have shape (3, 4), got t.shape=(4,). "
        "Give one number for each output of forward.",
    ),
    (
        lambda: Hinge().forward(X, np.ones(4)),
        "Hinge.forward: t must have shape (3, 4) to match x, got t.shape=(4,). "
        "Give one target for each output.",
    ),
    (
        lambda: CategoricalHinge().forward(X[0], [0]),
        "CategoricalHinge.forward: x must be (N, C), got x.shape=(4,). {table}",
    ),
    (
        lambda: SigmoidWithLoss().forward(1.0, 1),
        "SigmoidWithLoss.forward: x must be (N, C), got x.shape=(). {table}",
    ),
    (
        lambda: SigmoidWithLoss().forward([], []),
        f"SigmoidWithLoss.forward: x {EMPTY_TABLE} x.shape=(0, 1). {{some}}",
    ),
    (
        lambda: SigmoidWithLoss().forward(X, X[0] > 0),
        "SigmoidWithLoss.forward: t must have shape (3, 4) to match x, got t.shape=(4,). "
        "Give one target for each output.",
    ),
    (
        lambda: SigmoidWithLoss().forward(X[0], X[0, :2] > 0),
        "SigmoidWithLoss.forward: t must have shape (4, 1) to match x, got t.shape=(2, 1). "
        "Give one target for each output.",
    ),
    (
        lambda: MeanSquaredError().forward(X, [0, 1, 2]),
        "MeanSquaredError.forward: t must have shape (3, 4) to match x, got t.shape=(3,). "
        "Give one target for each output.",
    ),
    (
        lambda: Affine(np.zeros((784, 100)), np.zeros(100)).forward(np.zeros((32, 783))),
        "Affine.forward: x must have 784 features to match W (784, 100), got x.shape=(32, 783). "
        "Give x of shape (N, 784).",
    ),
    (
        lambda: affine().forward(np.zeros(3)),
        "Affine.forward: x must have 4 features to match W (4, 2), got x.shape=(3,). "
        "Give x of shape (N, 4).",
    ),
    (
        lambda: MatMul(W).forward(np.zeros((5, 3, 2))),
        "MatMul.forward: x must have 4 features to match W (4, 2), got x.shape=(5, 3, 2). "
        "Give x of shape (N, 4).",
    ),
    (
        lambda: affine().forward(np.zeros((0, 4))),
        f"Affine.forward: x {EMPTY_ROWS} x.shape=(0, 4). Give an array (N, D).",
    ),
    (
        lambda: MatMul(W).forward(np.zeros((3, 0))),
        f"MatMul.forward: x {EMPTY_ROWS} x.shape=(3, 0). Give an array (N, D).",
    ),
    (
        lambda: built().forward(1.0),
        f"Dense.forward: x {EMPTY_ROWS} x.shape=(). Give an array (N, D).",
    ),
    (
        lambda: affine().forward(np.array(1.0)),
        f"Affine.forward: x {EMPTY_ROWS} x.shape=(). Give an array (N, D).",
    ),
    (
        lambda: Affine(W[0], B),
        "Affine: W must be (D, M) with at least one entry, got W.shape=(2,). Give an array (D, M).",
    ),
    (
        lambda: MatMul(np.zeros((0, 3))),
        "MatMul: W must be (D, M) with at least one entry, got W.shape=(0, 3). "
        "Give an array (D, M).",
    ),
    (
        lambda: Affine(W, np.zeros((1, 2))),
        "Affine: b must be (M,) with at least one entry, got b.shape=(1, 2). Give an array (M,).",
    ),
    (
        lambda: Affine(W, np.zeros(3)),
        "Affine: b must have shape (2,) to match W (4, 2), got b.shape=(3,). "
        "Assign W and b of the same M.",
    ),
    (
        lambda: assign(affine(), "W", np.zeros(4)),
        "Affine.W: W must be (D, M) with at least one entry, got W.shape=(4,). "
        "Give an array (D, M).",
    ),
    (
        lambda: assign(built(), "b", W),
        "Dense.b: b must be (M,) with at least one entry, got b.shape=(4, 2). Give an array (M,).",
    ),
    (
        lambda: called(affine(), X).backward(np.zeros((3, 4))),
        "Affine.backward: dout must have shape (3, 2), got dout.shape=(3, 4). {dout}",
    ),
    (
        lambda: called(affine(), X[0]).backward(np.zeros((1, 2))),
        "Affine.backward: dout must have shape (2,), got dout.shape=(1, 2). {dout}",
    ),
    (
        lambda: called(affine(), X[:1]).backward(np.zeros(2)),
        "Affine.backward: dout must have shape (1, 2), got dout.shape=(2,). {dout}",
    ),
    (
        lambda: called(MatMul(W), X).backward(1.0),
        "MatMul.backward: dout must have shape (3, 2), got dout.shape=(). {dout}",
    ),
    (
        lambda: called(built(), X).backward(np.zeros((2, 2))),
        "Dense.backward: dout must have shape (3, 2), got dout.shape=(2, 2). {dout}",
    ),
    (
        lambda: called(Sigmoid(), X).backward(np.zeros((3, 1))),
        "Sigmoid.backward: dout must have shape (3, 4), got dout.shape=(3, 1). {dout}",
    ),
    (
        lambda: called(Relu(), X).backward(np.zeros(12)),
        "Relu.backward: dout must have shape (3, 4), got dout.shape=(12,). {dout}",
    ),
    (
        lambda: called(Softmax(), X).backward(1.0),
        "Softmax.backward: dout must have shape (3, 4), got dout.shape=(). {dout}",
    ),
    (
        lambda: SGD().update([np.ones(3)], [np.ones(2)]),
        "SGD.update: grads[0] must have shape (3,) to match params[0], got (2,). "
        "Give the gradient of that array.",
    ),
    (
        lambda: SGD().update({"W": np.ones((3, 2))}, {"W": 1.0}),
        "SGD.update: grads['W'] must have shape (3, 2) to match params['W'], got (). "
        "Give the gradient of that array.",
    ),
    (
        lambda: SGD().update([np.ones(3)], []),
        "SGD.update: grads must be as many as params, got 0 grads for 1 params. "
        "Give the two lists of the same layers.",
    ),
    (
        lambda: SGD().update([np.ones(1), read_only(np.ones(3))], [np.ones(1), np.ones(3)]),
        "SGD.update: params[1] must be writeable, got a read-only array. Train a copy of it.",
    ),
]


@with_each("call, text", SHAPES)
def test_shapes(call, text):
    advice = {
        "table": "Reshape x to (N, C), with one row a sample.",
        "some": "Give one sample or more.",
        "dout": "Give one number for each output of forward.",
    }
    with pytest.raises(ValueError) as raised:
        call()
    assert str(raised.value) == text.format(**advice)
