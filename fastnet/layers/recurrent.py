"""Recurrent layers declared by their number of units, for `Sequential`, with Keras' names.

The textbook's, which take Wx, Wh and b, stand in `time_recurrence.py` (a whole sequence: TimeRNN,
TimeLSTM, TimeGRU) and in `fastnet.textbook.cells` (one step: RNN, LSTM, GRU).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet import checks
from fastnet.kernels.lstm import I_F_G_O, lstm_backward, lstm_forward
from fastnet.kernels.recurrence_in_loop import (
    gru_gradient_in_loop,
    gru_in_loop,
    gru_weights_in_loop,
    lstm_gradient_in_loop,
    lstm_in_loop,
    lstm_weights_in_loop,
    rnn_gradient_in_loop,
    rnn_in_loop,
    rnn_weights_in_loop,
)
from fastnet.kernels.reset_after_gru import reset_after_gru_backward, reset_after_gru_forward
from fastnet.kernels.rnn import rnn_backward, rnn_forward
from fastnet.layers.dense import ALIASES, FUSED, RANGES
from fastnet.layers.recurring import Recurring, array
from fastnet.layers.told import Outputs

__all__ = ["GRU", "LSTM", "SimpleRNN"]


class SimpleRNN(Recurring):
    """A simple recurrent layer: h[t] = activation(x[t] @ Wx + h[t - 1] @ Wh + b).

    Its weights come with `build`, which `Sequential` calls once it knows the sequences' shape.

    Parameters
    ----------
    units : int
        H.
    activation : "tanh", "relu", "sigmoid" or "identity"
    return_sequences : bool
        Whether the states after all steps go out, (steps, H), or the last one alone, (H,).
    stateful : bool
        Whether each batch of `fit` goes on from where the one before ended, row by row, until
        `reset_state`. Give `fit` shuffle=False, and a batch_size as that of the layer. Batches of
        another size, and `predict` and `evaluate`, begin at 0 and leave the states as they are.
    batch_size : int, optional
        Of a stateful layer: how many sequences' states it keeps.
    input_shape : (steps, features), optional
        Of one sample, for the first layer of a model that is built before it sees data.
    weight_init_std : float, or "he", "xavier", "glorot", "lecun" or "zeros", optional
        Standard deviation of Wx, or its name in `fastnet.initializers`. Default: sqrt(1 / D).
        The rows of Wh are orthonormal, as in Keras.

    Attributes
    ----------
    Wx : (D, H)
        Keras' kernel.
    Wh : (H, H)
        Keras' recurrent kernel.
    b : (H,)
    h : (batch_size, H) or None
        Of a stateful layer: the state after the last batch.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range.

    Notes
    -----
    Source: Keras; Elman, Finding structure in time, 1990.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import SimpleRNN
    >>> layer = SimpleRNN(3, return_sequences=True)
    >>> layer.build((5, 2), np.random.default_rng(0), "float32")
    >>> layer.Wx.shape, layer.forward(np.ones((4, 5, 2), np.float32)).shape
    ((2, 3), (4, 5, 3))
    """

    argument_names = ("units", "activation", *Recurring.argument_names[1:])
    activation: Any = checks.Checked(
        lambda _, where, name, value: checks.choice(where, name, value, FUSED, ALIASES)
    )
    Wx = array(0, "Weights of the inputs (D, H): `params[0]`.")
    Wh = array(1, "Weights of the states (H, H): `params[1]`.")
    b = array(2, "Bias (H,): `params[2]`.")
    dWx = array(0, "Gradient of Wx: `grads[0]`, overwritten by backward.", gradient=True)
    dWh = array(1, "Gradient of Wh: `grads[1]`, overwritten by backward.", gradient=True)
    db = array(2, "Gradient of b: `grads[2]`, overwritten by backward.", gradient=True)
    _by_hand = rnn_forward, rnn_backward
    _in_loop = rnn_in_loop, rnn_gradient_in_loop, rnn_weights_in_loop

    def __init__(
        self,
        units: int,
        activation: str = "tanh",
        return_sequences: bool = False,
        stateful: bool = False,
        batch_size: int | None = None,
        input_shape: tuple[int, ...] | None = None,
        weight_init_std: float | str | None = None,
    ) -> None:
        self.activation = activation
        self._begin(units, return_sequences, stateful, batch_size, input_shape, weight_init_std)

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: that of the activation."""
        return RANGES[self.activation]

    def _setting(self) -> tuple[int, ...]:
        return (FUSED[self.activation],)


class LSTM(Recurring):
    """Long short-term memory.

        i, f, o = sigmoid(A), g = tanh(A), parts of A = x[t] @ Wx + h[t - 1] @ Wh + b
        c[t] = f * c[t - 1] + i * g
        h[t] = o * tanh(c[t])

    Its weights come with `build`, which `Sequential` calls once it knows the sequences' shape. The
    textbook's `TimeLSTM` takes its weights, with the columns in the order f, g, i, o.

    Parameters
    ----------
    units, return_sequences, stateful, batch_size, input_shape, weight_init_std
        As for `SimpleRNN`.

    Attributes
    ----------
    Wx : (D, 4 H)
        Keras' kernel, with its columns: of i, then f, g and o.
    Wh : (H, 4 H)
        Keras' recurrent kernel.
    b : (4 H,)
        At first 1 for f, which then remembers, and 0 for the others, as in Keras.
    h, c : (batch_size, H) or None
        Of a stateful layer: the state after the last batch.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range.

    Notes
    -----
    Source: Keras; Hochreiter and Schmidhuber, 1997; Jozefowicz et al., 2015 (the bias of f).

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Dense, LSTM
    >>> from fastnet.models import Sequential
    >>> from fastnet.optimizer import Adam
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((512, 8, 1)).astype("float32")
    >>> t = (x.sum(axis=(1, 2)) > 0).astype(int)
    >>> model = Sequential([LSTM(16), Dense(2)], seed=0)
    >>> adam = Adam(lr=0.01)
    >>> history = model.fit(x, t, epochs=20, batch_size=32, optimizer=adam, verbose=0)
    >>> model.evaluate(x, t)["accuracy"] > 0.9
    True
    """

    Wx = array(0, "Weights of the inputs (D, 4 H): `params[0]`.")
    Wh = array(1, "Weights of the states (H, 4 H): `params[1]`.")
    b = array(2, "Bias (4 H,): `params[2]`.")
    dWx, dWh, db = SimpleRNN.dWx, SimpleRNN.dWh, SimpleRNN.db
    _gates = 4
    _state_names = ("h", "c")
    _by_hand = lstm_forward, lstm_backward
    _in_loop = lstm_in_loop, lstm_gradient_in_loop, lstm_weights_in_loop

    def __init__(
        self,
        units: int,
        return_sequences: bool = False,
        stateful: bool = False,
        batch_size: int | None = None,
        input_shape: tuple[int, ...] | None = None,
        weight_init_std: float | str | None = None,
    ) -> None:
        self._begin(units, return_sequences, stateful, batch_size, input_shape, weight_init_std)

    def _setting(self) -> tuple[int, ...]:
        return (I_F_G_O,)

    def _initial_bias(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return np.repeat([0.0, 1.0, 0.0, 0.0], shape[0] // 4)


class GRU(Recurring):
    """Gated recurrent unit, reset after the product, as in Keras.

        a = x[t] @ Wx + b[0], s = h[t - 1] @ Wh + b[1]
        z, r = sigmoid(a + s), with the first columns; g = tanh(a + r * s), with the last
        h[t] = z * h[t - 1] + (1 - z) * g

    Its weights come with `build`, which `Sequential` calls once it knows the sequences' shape. The
    textbook's `TimeGRU` resets before the product, and its z is 1 - z.

    Parameters
    ----------
    units, return_sequences, stateful, batch_size, input_shape, weight_init_std
        As for `SimpleRNN`.

    Attributes
    ----------
    Wx : (D, 3 H)
        Keras' kernel, with its columns: of z, then r and g.
    Wh : (H, 3 H)
        Keras' recurrent kernel.
    b : (2, 3 H)
        Keras' bias: that of x, and that of h.
    h : (batch_size, H) or None
        Of a stateful layer: the state after the last batch.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range.

    Notes
    -----
    Source: Keras, with reset_after=True, its default; Cho et al., 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import GRU
    >>> layer = GRU(3, return_sequences=True)
    >>> layer.build((5, 2), np.random.default_rng(0), "float32")
    >>> layer.Wx.shape, layer.b.shape, layer.output_shape((5, 2))
    ((2, 9), (2, 9), (5, 3))
    """

    Wx = array(0, "Weights of the inputs (D, 3 H): `params[0]`.")
    Wh = array(1, "Weights of the states (H, 3 H): `params[1]`.")
    b = array(2, "Biases (2, 3 H): `params[2]`.")
    dWx, dWh, db = SimpleRNN.dWx, SimpleRNN.dWh, SimpleRNN.db
    _gates = 3
    _bias_rows = 2
    _by_hand = reset_after_gru_forward, reset_after_gru_backward
    _in_loop = gru_in_loop, gru_gradient_in_loop, gru_weights_in_loop

    def __init__(
        self,
        units: int,
        return_sequences: bool = False,
        stateful: bool = False,
        batch_size: int | None = None,
        input_shape: tuple[int, ...] | None = None,
        weight_init_std: float | str | None = None,
    ) -> None:
        self._begin(units, return_sequences, stateful, batch_size, input_shape, weight_init_std)
