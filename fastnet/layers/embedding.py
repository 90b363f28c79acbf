"""Embedding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnet import checks
from fastnet.kernels.checked import copy_labels
from fastnet.kernels.embedding import (
    embedding_backward,
    embedding_forward,
    embedding_gradient_in_loop,
    embedding_in_loop,
    embedding_nothing_in_loop,
)
from fastnet.layers.base import Layer
from fastnet.layers.told import ANYWHERE, LoopLayer, Outputs

__all__ = ["Embedding"]


class Embedding(Layer):
    """Rows of a table by their numbers, out = W[idx].

    Parameters
    ----------
    W : (V, H) float32 or float64, or int
        A row for each of V words, kept by reference, as in `MatMul`. Or V itself: the table is then
        drawn by `build`, which `Sequential` calls.
    output_dim : int, optional
        H, where V is given in place of the table.
    weight_init_std : float, optional
        Standard deviation of a table that is drawn; the textbook's is 0.01.

    Attributes
    ----------
    idx : int64 array of the shape of forward's
        The row numbers of the last forward; a copy.

    Raises
    ------
    TypeError
        W is complex, object, string or wider than float64.
    ValueError
        W is not (V, H), or empty; or output_dim does not come with V, or comes with an array.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 4.1.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Embedding
    >>> layer = Embedding(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    >>> layer.forward([2, 0, 2])
    array([[5., 6.],
           [1., 2.],
           [5., 6.]])
    >>> layer.backward(np.ones((3, 2)))
    >>> layer.dW
    array([[1., 1.],
           [0., 0.],
           [2., 2.]])
    """

    idx: NDArray[np.int64]

    array_names = ("W",)
    takes_row_numbers = True

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: any numbers."""
        return ANYWHERE

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (L, H) for samples of L row numbers."""
        return math.prod(input_shape), self._sizes[1]

    @classmethod
    def _saved_shapes(
        cls,
        input_shape: tuple[int, ...],
        arguments: dict[str, Any],
        shapes: list[tuple[int, ...]],
    ) -> tuple[list[tuple[int, ...]], tuple[int, ...]]:
        (shape,) = shapes
        return [(*shape[:1], *shape[1:2])], (math.prod(input_shape), *shape[1:2])

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return its step in the compiled loop: row numbers come in the network's dtype."""
        kernels = embedding_in_loop, embedding_nothing_in_loop, embedding_gradient_in_loop
        shape, (size, _) = self.output_shape(input_shape), self._sizes
        products = math.prod(shape)  # a row that is taken, and its gradient
        return [
            LoopLayer(
                shape, (self._sizes,), kernels, numbers=(size,), scratch=2 * size, products=products
            )
        ]

    def __init__(
        self,
        W: ArrayLike,
        output_dim: int | None = None,
        weight_init_std: float = 0.01,
    ) -> None:
        super().__init__()
        where = type(self).__name__
        self.weight_init_std = checks.deviation(where, weight_init_std)
        self._declared = 0, 0
        if type(W) is int and output_dim is not None:
            V, H = (checks.count(where, *given) for given in (("W", W), ("output_dim", output_dim)))
            self._declared = V, H
            return
        if output_dim is not None:
            raise ValueError(
                f"{where}: output_dim must come with a number of words for W, got an array. "
                "Leave it out: W says it."
            )
        array = checks.parameter(where, "W", W, 2)
        self.params.append(array)
        self.grads.append(np.zeros(array.shape, checks.result_dtype(array)))

    @property
    def _sizes(self) -> tuple[int, int]:
        """V and H: W's, once it is there."""
        if not self.params:
            return self._declared
        size, width = self.params[0].shape
        return int(size), int(width)

    def table_shape(self) -> tuple[int, ...]:
        """Return (V, H), also before it is built."""
        return self._sizes

    def build(self, n_in: int, rng: np.random.Generator, dtype: DTypeLike) -> None:
        """Make W (V, H) from normal random numbers.

        Parameters
        ----------
        n_in : int
            Row numbers of a sample; W does not depend on it.
        rng : numpy.random.Generator
        dtype : "float32" or "float64"

        Raises
        ------
        TypeError, ValueError
            An argument is of another kind, or out of range.
        """
        where = self._name("build")
        checks.count(where, "n_in", n_in)
        dtype = checks.float_dtype(where, dtype)
        checks.generator(where, rng)
        W = (rng.standard_normal(self._sizes) * self.weight_init_std).astype(dtype)
        self.params[:], self.grads[:] = [W], [np.zeros(W.shape, dtype)]

    @property
    def W(self) -> NDArray[Any]:
        """Table (V, H): `params[0]`."""
        checks.built(self._name("W"), self.params)
        return self.params[0]

    @W.setter
    def W(self, W: ArrayLike) -> None:
        """Use another W from the next call on; dW is remade where its shape or dtype changes."""
        checks.built(self._name("W"), self.params)
        array = checks.parameter(self._name("W"), "W", W, 2)
        self.params[0] = array
        dtype = checks.result_dtype(array)
        if self.grads[0].shape != array.shape or self.grads[0].dtype != dtype:
            self.grads[0] = np.zeros(array.shape, dtype)

    @property
    def dW(self) -> NDArray[Any]:
        """Gradient of the table (V, H): `grads[0]`, overwritten by backward."""
        checks.built(self._name("dW"), self.params)
        return self.grads[0]

    def forward(self, idx: ArrayLike) -> NDArray[Any]:
        """Return W[idx].

        Parameters
        ----------
        idx : integers in 0..V-1, of any shape

        Returns
        -------
        array of shape (*idx.shape, H)

        Raises
        ------
        TypeError
            idx holds no integers.
        IndexError
            A number is negative or too large.
        """
        where = self._name("forward")
        checks.built(where, self.params)
        checks.lengths(where, "params", self.params, 1)
        W = self.params[0]
        found = _row_numbers(where, idx, W.shape)
        dtype = checks.result_dtype(W)
        table = checks.contiguous(W, dtype)
        out = np.empty((found.size, W.shape[1]), table.dtype)
        embedding_forward(table, found.reshape(-1), out)
        self.idx, self._idx = found.copy(), found  # a bad number written into idx reaches no kernel
        result: NDArray[Any] = checks.returned(out.reshape(*found.shape, W.shape[1]), dtype)
        return result

    def backward(self, dout: ArrayLike) -> None:
        """Write dW: the rows of dout, added up for each number.

        Parameters
        ----------
        dout : array of the shape that forward returned

        Raises
        ------
        RuntimeError
            forward was not called.
        TypeError, ValueError
            dout holds no real numbers, or has another shape.
        """
        where = self._name("backward")
        idx = checks.remembered(where, self, "_idx")
        params, grads = tuple(self.params), tuple(self.grads)
        checks.gradients(where, params, grads, 1)
        dW = grads[0]
        dout = checks.array(where, "dout", dout)
        checks.same_shape(where, "dout", dout, (*idx.shape, dW.shape[1]))
        _row_numbers(where, idx, dW.shape)  # W may be another one than forward's
        dtype = checks.result_dtype(dW, dout)
        rows = checks.contiguous(dout, dtype).reshape(idx.size, dW.shape[1])
        written = checks.written_by_kernel(dW, rows.dtype)
        embedding_backward(idx.reshape(-1), rows, written)
        if written is not dW:
            dW[...] = written

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(str, self._sizes))})"


def _row_numbers(where: str, idx: Any, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return row numbers as a fresh int64 array; a caller's may be changed before backward."""
    if type(idx) is np.ndarray and idx.dtype is checks.INT64 and idx.ndim == 1:
        found = np.empty(idx.size, np.int64)
        if copy_labels(idx, shape[0], found):  # 0.5 us, where `checks.indices` takes 2.2
            return found
    return checks.indices(where, idx, shape)
