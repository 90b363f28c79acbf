"""The layers of max pooling say what is wrong with arguments, images and gradients."""

import numpy as np
import pytest
from in_turn import with_each

from fastnet.layers import MaxPooling2D, Pooling

WRONG = [
    (lambda: Pooling(0, 2), ValueError, "Pooling: pool_h must be at least 1, got 0"),
    (lambda: Pooling(2, 2.0), TypeError, "Pooling: pool_w must be a whole number"),
    (lambda: Pooling(2, 2, pad=-1), ValueError, "Pooling: pad must be at least 0, got -1"),
    (
        lambda: Pooling(2, 2).forward(np.ones((4, 4))),
        ValueError,
        r"Pooling.forward: x must be images \(N, C, H, W\), got x.shape=\(4, 4\). Reshape x to ",
    ),
    (
        lambda: Pooling(5, 2).forward(np.ones((1, 1, 4, 4))),
        ValueError,
        r"Pooling.forward: pool must be no larger than the image, got \(5, 2\) for 4 x 4 pixels",
    ),
    (lambda: Pooling(2, 2).backward(1), RuntimeError, "Pooling.backward: call forward first."),
    (lambda: Pooling(2, 2).arg_max, RuntimeError, "Pooling.arg_max: call forward first."),
    (
        lambda: MaxPooling2D((1, 2, 3)),
        ValueError,
        r"MaxPooling2D: pool_size must be a whole number or 2 of them, got \(1, 2, 3\)",
    ),
    (lambda: MaxPooling2D(2, 0), ValueError, "MaxPooling2D: strides must be at least 1, got 0"),
    (
        lambda: MaxPooling2D(2, padding="full"),
        ValueError,
        "MaxPooling2D: padding must be 'valid', 'same' or numbers of zeros, got 'full'",
    ),
    (
        lambda: MaxPooling2D(2, padding=2).forward(np.ones((1, 4, 4, 1))),
        ValueError,
        r"MaxPooling2D.forward: padding must be less than pool_size \(2, 2\), got",
    ),
    (
        lambda: MaxPooling2D().output_shape((784,)),
        ValueError,
        r"MaxPooling2D: samples must be images \(height, width, channels\), got the shape \(784,\)",
    ),
    (
        lambda: MaxPooling2D(3).output_shape((2, 9, 1)),
        ValueError,
        r"MaxPooling2D: pool_size must be no larger than the image, got \(3, 3\) for 2 x 9 pixels, "
        "padding 'valid'. Make it smaller, or pad.",
    ),
    (
        lambda: MaxPooling2D().backward(np.ones((1, 2, 2, 1))),
        RuntimeError,
        "MaxPooling2D.backward: call forward first.",
    ),
]


@with_each("call, kind, message", WRONG)
def test_wrong_arguments_are_told(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_dout_of_another_shape_is_told(rng):
    for layer, shape in ((Pooling(2, 2), (1, 3, 4, 4)), (MaxPooling2D(), (1, 4, 4, 3))):
        out = layer.forward(rng.standard_normal(shape))
        with pytest.raises(ValueError, match=r"backward: dout must have shape \("):
            layer.backward(out[:, :1])
