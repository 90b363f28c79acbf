"""Recurrent layers by hand: a whole sequence forward, and backward through time.

Names, arguments and attributes are those of Saitoh, Deep Learning from Scratch 2,
common/time_layers.py. Layers for `Sequential`, with Keras' names, stand in `recurrent.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.activations import TANH
from fastnet.kernels.gru import gru_backward, gru_forward
from fastnet.kernels.lstm import F_G_I_O, lstm_backward, lstm_forward
from fastnet.kernels.rnn import rnn_backward, rnn_forward
from fastnet.layers.base import Layer
from fastnet.layers.time_layer import TimeLayer

__all__ = ["TimeBiLSTM", "TimeGRU", "TimeLSTM", "TimeRNN"]


class TimeRNN(TimeLayer):
    """A simple recurrent layer over sequences: h[t] = tanh(x[t] @ Wx + h[t - 1] @ Wh + b).

    Parameters
    ----------
    Wx : (D, H) float32 or float64
    Wh : (H, H)
    b : (H,)
        All kept by reference, as in `MatMul`.
    stateful : bool
        Whether forward goes on from the state that the last one left. Else each begins at 0.

    Attributes
    ----------
    h : (N, H) or None
        The state after the last step, or what `set_state` set.
    dh : (N, H)
        After backward: the gradient of the state before the first step.

    Raises
    ------
    TypeError
        An array is complex, object, string or wider than float64.
    ValueError
        The arrays do not fit each other, or one is empty.

    Notes
    -----
    Results have the dtype that NumPy would give, where the book's are float32. Source: Saitoh,
    Deep Learning from Scratch 2, section 5.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import TimeRNN
    >>> layer = TimeRNN(np.eye(2), 0.5 * np.eye(2), np.zeros(2))
    >>> layer.forward(np.ones((1, 3, 2))).round(3)
    array([[[0.762, 0.762],
            [0.881, 0.881],
            [0.894, 0.894]]])
    >>> layer.backward(np.ones((1, 3, 2))).shape, layer.grads[1].shape
    ((1, 3, 2), (2, 2))
    """

    def _run(self, arrays: Any, work: Any, panel: Any, hs: Any) -> None:
        rnn_forward(*arrays, TANH, self._reverse, work, panel, hs)

    def _run_back(self, arrays: Any, work: Any, panel: Any, outputs: Any) -> None:
        rnn_backward(*arrays, TANH, self._reverse, work, panel, *outputs)


class TimeLSTM(TimeLayer):
    """Long short-term memory over sequences.

        f, i, o = sigmoid(A), g = tanh(A), parts of A = x[t] @ Wx + h[t - 1] @ Wh + b
        c[t] = f * c[t - 1] + g * i
        h[t] = o * tanh(c[t])

    Parameters
    ----------
    Wx : (D, 4 H) float32 or float64
        Columns of f, then g, i and o: the book's order. Keras' is i, f, g, o.
    Wh : (H, 4 H)
    b : (4 H,)
        All kept by reference, as in `MatMul`.
    stateful : bool
        Whether forward goes on from the state that the last one left. Else each begins at 0.

    Attributes
    ----------
    h, c : (N, H) or None
        The state after the last step, or what `set_state` set.
    dh : (N, H)
        After backward: the gradient of h before the first step.

    Raises
    ------
    TypeError, ValueError
        As `TimeRNN`.

    Notes
    -----
    Results have the dtype that NumPy would give, where the book's are float32. Source: Hochreiter
    and Schmidhuber, 1997; Saitoh, Deep Learning from Scratch 2, section 6.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import TimeLSTM
    >>> layer = TimeLSTM(np.ones((2, 8)), np.zeros((2, 8)), np.zeros(8), stateful=True)
    >>> layer.forward(np.ones((1, 2, 2))).round(3)
    array([[[0.608, 0.608],
            [0.811, 0.811]]])
    >>> layer.c.round(3)
    array([[1.597, 1.597]])
    """

    _gates = 4
    _state_names = ("h", "c")

    def __init__(self, Wx: ArrayLike, Wh: ArrayLike, b: ArrayLike, stateful: bool = False) -> None:
        super().__init__(Wx, Wh, b, stateful)
        self.c: NDArray[Any] | None = None
        self._dc_next: NDArray[Any] | None = None  # of a step of its own, `textbook.cells`

    def set_state(self, h: ArrayLike | None, c: ArrayLike | None = None) -> None:
        """Let the next sequences begin with h and c (N, H), where the layer is stateful.

        Without c it is 0.
        """
        where = self._name("set_state")
        found = [None if s is None else checks.array(where, n, s) for n, s in (("h", h), ("c", c))]
        self.h, self.c = found

    def reset_state(self) -> None:
        """Let the next sequences begin with states of zeros."""
        self.h = self.c = None

    def _run(self, arrays: Any, work: Any, panel: Any, hs: Any) -> None:
        lstm_forward(*arrays, F_G_I_O, self._reverse, work, panel, hs)

    def _run_back(self, arrays: Any, work: Any, panel: Any, outputs: Any) -> None:
        self._dc = outputs[1]
        if self._dc_next is not None:
            self._dc[...] = self._dc_next
        lstm_backward(*arrays, F_G_I_O, self._reverse, work, panel, *outputs)


class TimeGRU(TimeLayer):
    """Gated recurrent unit over sequences, reset before the product.

        z, r = sigmoid(x[t] @ Wx + h[t - 1] @ Wh + b), with the first columns of each
        g = tanh(x[t] @ Wx + (r * h[t - 1]) @ Wh + b), with the last
        h[t] = (1 - z) * h[t - 1] + z * g

    Parameters
    ----------
    Wx : (D, 3 H) float32 or float64
        Columns of z, then r and g, as in Keras, whose z is the book's 1 - z.
    Wh : (H, 3 H)
    b : (3 H,)
        All kept by reference, as in `MatMul`.
    stateful : bool
        Whether forward goes on from the state that the last one left. Else each begins at 0.

    Attributes
    ----------
    h, dh : (N, H)
        As in `TimeRNN`.

    Raises
    ------
    TypeError, ValueError
        As `TimeRNN`.

    Notes
    -----
    Results have the dtype that NumPy would give, where the book's are float32. Source: Cho et al.,
    2014; Saitoh, Deep Learning from Scratch 2, appendix C.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import TimeGRU
    >>> layer = TimeGRU(np.ones((2, 6)), np.zeros((2, 6)), np.zeros(6))
    >>> layer.forward(np.ones((1, 2, 2))).round(3)
    array([[[0.849, 0.849],
            [0.95 , 0.95 ]]])
    """

    _gates = 3

    def _run(self, arrays: Any, work: Any, panel: Any, hs: Any) -> None:
        gru_forward(*arrays, self._reverse, work, panel, hs)

    def _run_back(self, arrays: Any, work: Any, panel: Any, outputs: Any) -> None:
        gru_backward(*arrays, self._reverse, work, panel, *outputs)


class TimeBiLSTM(Layer):
    """Two LSTMs over sequences, one from the last step to the first: their states side by side.

    Parameters
    ----------
    Wx1, Wh1, b1 : arrays
        Of the one that runs forward, as those of `TimeLSTM`.
    Wx2, Wh2, b2 : arrays
        Of the one that runs from the last step.
    stateful : bool
        Of both.

    Attributes
    ----------
    forward_lstm, backward_lstm : TimeLSTM
        Their `params` and `grads` are this layer's, the first one's first.

    Raises
    ------
    TypeError, ValueError
        As `TimeRNN`.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 8.4.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import TimeBiLSTM
    >>> Wx, Wh, b = np.ones((2, 8)), np.zeros((2, 8)), np.zeros(8)
    >>> layer = TimeBiLSTM(Wx, Wh, b, Wx, Wh, b)
    >>> layer.forward(np.ones((1, 2, 2)))[0, 0].round(3)
    array([0.608, 0.608, 0.811, 0.811])
    """

    array_names = ("Wx1", "Wh1", "b1", "Wx2", "Wh2", "b2")
    unstacked = TimeLayer.unstacked

    def __init__(
        self,
        Wx1: ArrayLike,
        Wh1: ArrayLike,
        b1: ArrayLike,
        Wx2: ArrayLike,
        Wh2: ArrayLike,
        b2: ArrayLike,
        stateful: bool = False,
    ) -> None:
        super().__init__()
        self.forward_lstm = TimeLSTM(Wx1, Wh1, b1, stateful)
        self.backward_lstm = TimeLSTM(Wx2, Wh2, b2, stateful)
        self.backward_lstm._reverse = True
        self.params = self.forward_lstm.params + self.backward_lstm.params
        self.grads = self.forward_lstm.grads + self.backward_lstm.grads

    def forward(self, xs: ArrayLike) -> NDArray[Any]:
        """Return (N, T, H1 + H2), the states of both after each step of xs (N, T, D).

        Errors are those of `TimeLSTM.forward`.
        """
        pair = self.forward_lstm.forward(xs), self.backward_lstm.forward(xs)
        return np.concatenate(pair, axis=2)

    def backward(self, dhs: ArrayLike) -> NDArray[Any]:
        """Return dxs (N, T, D), and fill the gradients of both.

        Errors are those of `TimeLSTM.backward`.
        """
        dhs = checks.array("TimeBiLSTM.backward", "dhs", dhs)
        h = len(self.forward_lstm.params[1])
        both = h + len(self.backward_lstm.params[1])
        checks.same_shape("TimeBiLSTM.backward", "dhs", dhs, (*dhs.shape[:2], both))
        dxs = self.forward_lstm.backward(dhs[..., :h])
        dxs += self.backward_lstm.backward(dhs[..., h:])
        return dxs

    def __repr__(self) -> str:
        return f"TimeBiLSTM({self.forward_lstm!r}, {self.backward_lstm!r})"
