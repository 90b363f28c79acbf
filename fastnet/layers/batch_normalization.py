"""Batch normalization."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, ClassVar

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnet import checks
from fastnet.kernels.batch_normalization import (
    batch_normalization_backward,
    batch_normalization_forward,
    batch_normalization_gradient_in_loop,
    batch_normalization_in_loop,
    batch_normalization_inference_forward,
)
from fastnet.kernels.frozen_normalization import (
    frozen_normalization_gradient_in_loop,
    frozen_normalization_in_loop,
)
from fastnet.layers.base import Layer
from fastnet.layers.told import ANYWHERE, LoopLayer, Outputs

__all__ = ["BatchNormalization"]


def _statistic(layer: Any, where: str, name: str, value: Any) -> NDArray[Any] | None:
    """Check a running mean or variance, which forward changes in place."""
    if value is None:
        return None
    array = checks.parameter(where, name, value, 1)
    checks.changeable(where, name, array)
    if layer.params:
        checks.same_features(where, name, array, layer.params[0].shape)
    if name == "running_var":
        checks.variances(where, name, array)
    return array


class BatchNormalization(Layer):
    """Bring each feature of a batch to mean 0 and variance 1, then scale and shift it.

    In training out = gamma * (x - mean) / sqrt(var + eps) + beta with the mean and variance of the
    batch; after it, and where it is frozen (`trainable = False`, as in Keras), with the running
    ones.

    Parameters
    ----------
    gamma, beta : (D,) float32 or float64, optional
        Kept by reference, as the W of `MatMul`. Default: ones and zeros, which come with `build`.
    momentum : float
        0 <= momentum <= 1; running = momentum * running + (1 - momentum) * the batch's.
    running_mean, running_var : (D,), optional
        Where they begin; copied. Default: zeros, the textbook's, for both.
    eps : float
        Above 0. PyTorch's is 1e-5, Keras' 1e-3.

    Attributes
    ----------
    running_mean, running_var : (D,), or None before the first forward
        Changed in place by each forward in training. The variance is that of the batch, over N:
        PyTorch's running one is over N - 1.
    x : (N, D)
        The rows that forward was given last in training: not a copy where they fit the kernel.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, shape, or out of range.

    Notes
    -----
    By hand x may have more dimensions, (N, C, H, W): as in the textbook, each of the C * H * W
    entries of a sample is a feature, and gamma has as many. In a `Sequential` images (height,
    width, channels) and sequences that are `Steps` are rows of their channels, or features, over
    all pixels, or steps, of the batch: gamma has as many as these, as in Keras and PyTorch. Behind
    an Embedding, or first before an LSTM, each entry of a sample is a feature.
    Source: Ioffe and Szegedy, Batch Normalization, 2015; Saitoh, Deep Learning from Scratch,
    section 6.3.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import BatchNormalization
    >>> layer = BatchNormalization(np.ones(2), np.zeros(2), eps=1e-12)
    >>> layer.forward(np.array([[1.0, 10.0], [3.0, 30.0]]))
    array([[-1., -1.],
           [ 1.,  1.]])
    >>> layer.backward(np.array([[1.0, 0.0], [0.0, 0.0]])).shape
    (2, 2)
    >>> layer.dgamma, layer.dbeta
    (array([-1.,  0.]), array([1., 0.]))
    >>> layer.running_mean
    array([0.2, 2. ])
    """

    x: NDArray[Any]
    momentum: Any = checks.Checked(lambda layer, where, name, value: checks.momentum(where, value))
    eps: Any = checks.Checked(lambda layer, where, name, value: checks.epsilon(where, value))
    running_mean: Any = checks.Checked(_statistic)
    running_var: Any = checks.Checked(_statistic)

    # Frozen it is another function.
    _settings: ClassVar[Any] = staticmethod(attrgetter("momentum", "eps", "trainable"))

    least_rows = 2

    array_names = "gamma", "beta"
    memory_names = "running_mean", "running_var"
    argument_names = "momentum", "eps"

    def features(self) -> int | None:
        """Return D, the number of features; None before the layer has arrays."""
        return self.params[0].size if self.params else None

    @classmethod
    def rows_in(cls, input_shape: tuple[int, ...]) -> int:
        """Return how many rows a sample is: of an image (height, width, channels) its pixels."""
        if len(input_shape) == 3:
            return input_shape[0] * input_shape[1]
        return super().rows_in(input_shape)

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: any numbers."""
        return ANYWHERE

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return its step in the compiled loop, which keeps the batch's statistics in scratch."""
        d, learns = self.width_in(input_shape), self.trainable
        kernels = batch_normalization_in_loop, batch_normalization_gradient_in_loop
        frozen = frozen_normalization_in_loop, frozen_normalization_gradient_in_loop
        return [
            LoopLayer(
                input_shape,
                ((d,), (d,)),
                kernels if learns else frozen,
                numbers=(self.momentum, self.eps, d),
                memories=dict.fromkeys(self.memory_names, (d,)),
                scratch=2 * d,
                whole=learns,
            )
        ]

    def __init__(
        self,
        gamma: ArrayLike | None = None,
        beta: ArrayLike | None = None,
        momentum: float = 0.9,
        running_mean: ArrayLike | None = None,
        running_var: ArrayLike | None = None,
        eps: float = 1e-6,
    ) -> None:
        super().__init__()
        where = "BatchNormalization"
        self.momentum, self.eps = momentum, eps
        checks.together(where, "gamma", gamma, "beta", beta)
        given = {"gamma": gamma, "beta": beta}
        given |= {"running_mean": running_mean, "running_var": running_var}
        arrays: dict[str, Any] = dict.fromkeys(given)
        for name, value in given.items():
            if value is not None:
                arrays[name] = checks.parameter(where, name, value, 1)
        known = [array for array in arrays.values() if array is not None]
        for name, array in arrays.items():
            if array is not None:
                checks.same_features(where, name, array, known[0].shape)
        self.running_mean = _copied(arrays["running_mean"])
        self.running_var = _copied(arrays["running_var"])
        if gamma is not None:
            self._keep(arrays["gamma"], arrays["beta"])

    def build(self, n_in: int, rng: Any, dtype: DTypeLike) -> None:
        """Make gamma (n_in,) of ones and beta of zeros.

        Parameters
        ----------
        n_in : int
            D, the number of features.
        rng : anything
            Nothing is drawn.
        dtype : "float32" or "float64"

        Raises
        ------
        TypeError, ValueError
            An argument is of another kind, or out of range.
        """
        where = "BatchNormalization.build"
        n_in = checks.count(where, "n_in", n_in)
        dtype = checks.float_dtype(where, dtype)
        for name in ("running_mean", "running_var"):
            kept = getattr(self, name)
            if kept is not None:
                checks.same_features(where, name, kept, (n_in,))
        self._keep(np.ones(n_in, dtype), np.zeros(n_in, dtype))

    @property
    def gamma(self) -> NDArray[Any]:
        """Scale (D,): `params[0]`."""
        checks.built(self._name("gamma"), self.params)
        return self.params[0]

    @gamma.setter
    def gamma(self, gamma: ArrayLike) -> None:
        """Use another gamma of the same shape from the next call on."""
        self._assign(0, "gamma", gamma)

    @property
    def beta(self) -> NDArray[Any]:
        """Shift (D,): `params[1]`."""
        checks.built(self._name("beta"), self.params)
        return self.params[1]

    @beta.setter
    def beta(self, beta: ArrayLike) -> None:
        """Use another beta of the same shape from the next call on."""
        self._assign(1, "beta", beta)

    @property
    def dgamma(self) -> NDArray[Any]:
        """Gradient of gamma (D,): `grads[0]`, overwritten by backward."""
        checks.built(self._name("dgamma"), self.params)
        return self.grads[0]

    @property
    def dbeta(self) -> NDArray[Any]:
        """Gradient of beta (D,): `grads[1]`, overwritten by backward."""
        checks.built(self._name("dbeta"), self.params)
        return self.grads[1]

    def forward(self, x: ArrayLike, train_flg: bool = True) -> NDArray[Any]:
        """Return the normalized x.

        Parameters
        ----------
        x : (N, D) or (N, ...)
            Rows, or samples that are flattened to D features.
        train_flg : bool
            False after training: the running mean and variance take the place of the batch's. They
            do so in training where the layer is frozen.

        Returns
        -------
        array of x.shape

        Raises
        ------
        RuntimeError
            The layer is not built.
        TypeError
            x is complex, object, string or wider than float64; train_flg is not True or False.
        ValueError
            x does not have D features, or has no row; or eps is 0 in the dtype of x.

        Warns
        -----
        RuntimeWarning
            x is one row, in training: whatever it holds, it becomes beta.
        """
        where = "BatchNormalization.forward"
        checks.flag(where, "train_flg", train_flg)
        checks.built(where, self.params)
        checks.lengths(where, "params", self.params, 2)
        gamma, beta = self.params
        x = checks.array(where, "x", x)
        rows = checks.samples(where, "x", x)
        checks.normalized(where, "x", x.shape, rows.shape[1], gamma.shape)
        checks.same_features(where, "beta", beta, gamma.shape)
        dtype = checks.result_dtype(x, gamma, beta)
        rows, gamma, beta = (checks.contiguous(array, dtype) for array in (rows, gamma, beta))
        computed = rows.dtype
        eps = computed.type(checks.epsilon(where, self.eps, computed))
        running: list[Any] = [self.running_mean, self.running_var]
        for i, name in enumerate(("running_mean", "running_var")):
            if running[i] is None:
                running[i] = np.zeros(gamma.shape, checks.result_dtype(*self.params))
            checks.same_features(where, name, running[i], gamma.shape)
        mean, var = (checks.contiguous(array, computed) for array in running)
        out = empty(rows.shape, computed)
        if not (train_flg and self.trainable):
            batch_normalization_inference_forward(rows, gamma, beta, eps, mean, var, out)
            if train_flg:
                self.x, self._x_shape, self._stats = rows, x.shape, (mean, var, True)
        else:
            if len(rows) == 1:
                checks.warn(
                    f"{where}: x should have more than one row in training, got one, which becomes "
                    "beta whatever it holds, as its variance is 0. Give a batch, train_flg=False, "
                    "or freeze the layer (trainable = False).",
                    RuntimeWarning,
                )
            stats = empty(gamma.shape, computed), empty(gamma.shape, computed)
            batch_normalization_forward(
                rows, gamma, beta, computed.type(self.momentum), eps, mean, var, *stats, out
            )
            checks.copy_back(running, (mean, var))
            self.x, self._x_shape, self._stats = rows, x.shape, (*stats, False)
        if self.running_mean is None or self.running_var is None:
            self.running_mean, self.running_var = running
        result: NDArray[Any] = checks.returned(out.reshape(x.shape), dtype)
        return result

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dx in the shape of x; write dgamma and dbeta, where forward was not frozen.

        Parameters
        ----------
        dout : array of the shape that forward returned in training

        Returns
        -------
        array of that shape

        Raises
        ------
        RuntimeError
            forward was not called in training.
        TypeError, ValueError
            dout holds no real numbers, or has another shape.
        """
        where = "BatchNormalization.backward"
        x, shape = checks.remembered(where, self, "x"), self._x_shape
        *stats, frozen = self._stats  # the mean, and the inverse deviation or, frozen, the variance
        checks.lengths(where, "params", self.params, 2)
        checks.lengths(where, "grads", self.grads, 2)
        gamma, grads = self.params[0], tuple(self.grads)
        dout = checks.array(where, "dout", dout)
        checks.same_shape(where, "dout", dout, shape)
        n = shape[0]
        x = checks.array(where, "x", x)
        checks.unchanged(where, "x", x, (n, dout.size // n))
        for name, array in (("gamma", gamma), ("dgamma", grads[0]), ("dbeta", grads[1])):
            checks.same_features(where, name, array, stats[0].shape)
        dtype = checks.result_dtype(x, gamma, dout)
        x, gamma, mean, inverse = (checks.contiguous(a, dtype) for a in (x, gamma, *stats))
        upstream = checks.contiguous(dout, dtype).reshape(x.shape)
        dx = empty(x.shape, x.dtype)
        if frozen:  # dx = dout * gamma / sqrt(running_var + eps)
            zeros, eps = np.zeros(gamma.shape, x.dtype), x.dtype.type(self.eps)
            batch_normalization_inference_forward(upstream, gamma, zeros, eps, zeros, inverse, dx)
            return checks.returned(dx.reshape(shape), dtype)
        written = [checks.written_by_kernel(grad, x.dtype) for grad in grads]
        batch_normalization_backward(x, gamma, mean, inverse, upstream, dx, *written)
        checks.copy_back(grads, written)
        result: NDArray[Any] = checks.returned(dx.reshape(shape), dtype)
        return result

    def _keep(self, gamma: NDArray[Any], beta: NDArray[Any]) -> None:
        self.params[:] = [gamma, beta]
        self.grads[:] = [np.zeros(a.shape, checks.result_dtype(a)) for a in (gamma, beta)]

    def _assign(self, i: int, name: str, value: ArrayLike) -> None:
        where = self._name(name)
        checks.built(where, self.params)
        array = checks.parameter(where, name, value, 1)
        checks.same_features(where, name, array, self.params[i].shape)
        self.params[i] = array
        dtype = checks.result_dtype(array)
        if self.grads[i].dtype != dtype:
            self.grads[i] = np.zeros(array.shape, dtype)

    def __repr__(self) -> str:
        size = self.params[0].size if self.params else ""
        return f"BatchNormalization({size})"


def _copied(array: NDArray[Any] | None) -> NDArray[Any] | None:
    return None if array is None else array.copy()
