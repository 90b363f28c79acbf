"""The second book's layers of all steps of a sequence at once, but for the recurrent ones."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.activations import IDENTITY
from fastnet.kernels.affine import affine_backward_input, affine_backward_params, affine_forward
from fastnet.kernels.gemm import matmul_forward
from fastnet.kernels.nodes import sum_forward
from fastnet.layers.affine import Affine
from fastnet.layers.dropout import Dropout
from fastnet.layers.embedding import Embedding

__all__ = ["TimeAffine", "TimeDropout", "TimeEmbedding"]


class TimeEmbedding(Embedding):
    """Rows of a table by their numbers, for every step of a batch of sequences.

    Parameters, attributes, out = W[xs] and the gradient are those of `Embedding`: one pass over all
    steps.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 5.4.2.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import TimeEmbedding
    >>> layer = TimeEmbedding(np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> layer.forward([[1, 0, 1]]).shape
    (1, 3, 2)
    >>> layer.backward(np.ones((1, 3, 2)))
    >>> layer.dW
    array([[1., 1.],
           [2., 2.]])
    """

    unstacked = "Put Embedding there, which takes the steps of a sample, too."

    def forward(self, xs: ArrayLike) -> NDArray[Any]:
        """Return W[xs], (N, T, H), of xs (N, T), integers in 0..V-1.

        Raises ValueError where xs is not (N, T), or empty; else what `Embedding.forward` does.
        """
        return super().forward(checks.dimensions(self._name("forward"), "xs", xs, "N, T"))


class TimeAffine(Affine):
    """An affine map of every step, out[n, t] = x[n, t] @ W + b: one product for all of them.

    Parameters and attributes are those of `Affine`. A W that is the transpose of an embedding's
    table, for both to learn the same numbers, is read as it lies.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 5.4.2.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import TimeAffine
    >>> layer = TimeAffine(np.array([[1.0], [2.0]]), np.array([0.5]))
    >>> layer.forward(np.ones((1, 3, 2)))
    array([[[3.5],
            [3.5],
            [3.5]]])
    >>> layer.backward(np.ones((1, 3, 1))).shape, layer.db
    ((1, 3, 2), array([3.]))
    """

    unstacked = "Put Dense there, which takes sequences, too."

    def forward(self, x: ArrayLike) -> NDArray[Any]:
        """Return x @ W + b, (N, T, M), of x (N, T, D).

        Raises TypeError where x holds no real numbers, ValueError where it is not (N, T, D), or
        empty, or b does not match W.
        """
        where = self._name("forward")
        checks.lengths(where, "params", self.params, 2)
        W, b = self.params
        x = checks.dimensions(where, "x", x, last=W.shape[0])
        checks.bias(where, b, W)
        dtype = checks.result_dtype(x, W, b)
        x, bias = checks.contiguous(x, dtype), checks.contiguous(b, dtype)
        rows, out = _rows(x), empty((x.shape[0] * x.shape[1], W.shape[1]), x.dtype)
        if _is_tied(W):
            table = checks.contiguous(W.T, dtype)
            affine_backward_input(rows, table, out, IDENTITY, out)
            out += bias
        else:
            affine_forward(rows, checks.contiguous(W, dtype), bias, IDENTITY, out)
        self.x = x
        result: NDArray[Any] = checks.returned(out.reshape(*x.shape[:2], -1), dtype)
        return result

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dx = dout @ W.T, (N, T, D); write dW and db, sums over all steps.

        Raises RuntimeError where forward was not called, TypeError or ValueError where dout holds
        no real numbers or is not of the shape that forward returned.
        """
        where = self._name("backward")
        x = checks.array(where, "x", checks.remembered(where, self, "x"))
        params, grads = tuple(self.params), tuple(self.grads)
        checks.gradients(where, params, grads, 2)
        W, (dW, db) = params[0], grads
        checks.dimensions(where, "x", x, last=W.shape[0])  # W may be another one than forward's
        dout = checks.array(where, "dout", dout)
        checks.same_shape(where, "dout", dout, (*x.shape[:2], W.shape[1]))
        dtype = checks.result_dtype(x, W, dout)
        rows, g = (_rows(checks.contiguous(array, dtype)) for array in (x, dout))
        dx, sums = empty(rows.shape, rows.dtype), empty(W.shape[1], rows.dtype)
        if _is_tied(W):
            matmul_forward(g, checks.contiguous(W.T, dtype), dx)
            made = checks.written_by_kernel(dW.T, rows.dtype)
            affine_backward_params(g, rows, made, empty(len(W), rows.dtype))
            sum_forward(g[np.newaxis], sums[np.newaxis])
            made = made.T
        else:
            affine_backward_input(g, checks.contiguous(W, dtype), rows, IDENTITY, dx)
            made = checks.written_by_kernel(dW, rows.dtype)
            affine_backward_params(rows, g, made, sums)
        if made.base is not dW and made is not dW:
            dW[...] = made
        db[...] = sums
        result: NDArray[Any] = checks.returned(dx.reshape(x.shape), dtype)
        return result

    def _keep(self, array: NDArray[Any]) -> None:
        """Append a parameter and zeros for its gradient, in the order in memory that it has."""
        self.params.append(array)
        self.grads.append(np.zeros_like(array, checks.result_dtype(array), subok=False))


def _rows(array: NDArray[Any]) -> NDArray[Any]:
    """Return (N, T, D) as the rows of all steps."""
    return array.reshape(-1, array.shape[2])


def _is_tied(W: NDArray[Any]) -> bool:
    """Tell whether W is the transpose of a table as kernels take it."""
    return not W.flags.c_contiguous and W.flags.f_contiguous


class TimeDropout(Dropout):
    """Inverted dropout of every step of sequences: out = x * mask / (1 - dropout_ratio).

    Where the attribute `train_flg` is False, after training, out = x.

    Parameters
    ----------
    dropout_ratio : float
        0 <= dropout_ratio < 1.
    rng : numpy.random.Generator, optional
        As in `Dropout`.

    Attributes
    ----------
    train_flg : bool
        True at first; a model sets it.
    mask : bool array of the shape of x
        True where the last forward in training let an element through.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, common/time_layers.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import TimeDropout
    >>> layer = TimeDropout(0.5, rng=np.random.default_rng(0))
    >>> layer.forward(np.ones((1, 3, 1))).ravel()
    array([2., 0., 0.])
    >>> layer.train_flg = False
    >>> layer.forward(np.ones((1, 3, 1))).ravel()
    array([1., 1., 1.])
    """

    argument_names: ClassVar[tuple[str, ...]] = ("dropout_ratio",)
    unstacked = "Put Dropout(ratio, inverted=True) there."

    def __init__(self, dropout_ratio: float = 0.5, rng: np.random.Generator | None = None) -> None:
        super().__init__(dropout_ratio, True, rng)
        self.train_flg: bool = True

    def forward(self, xs: ArrayLike) -> Any:  # type: ignore[override]
        """Return xs with elements dropped and the others scaled, or xs after training; a new array.

        Raises TypeError where xs holds no real numbers, or train_flg is not True or False.
        """
        return super().forward(xs, self.train_flg)
