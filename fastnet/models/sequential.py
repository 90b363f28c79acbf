"""A stack of layers that is trained in a compiled loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks, threads
from fastnet.functions import softmax
from fastnet.kernels.checked import address_of
from fastnet.kernels.loop.predict import predict_rows
from fastnet.models import heads
from fastnet.models.exchange import Exchanged
from fastnet.models.head_losses import HeadLosses
from fastnet.models.layer_list import outputs_of, take_shape
from fastnet.models.network import PREDICT_ROWS
from fastnet.models.rows import KINDS
from fastnet.models.zeros import skipping_zeros

Model = TypeVar("Model", bound="Sequential")

LABEL = checks.INT64
FEW_ROWS = np.arange(31)  # and fewer: too few for a second thread, whatever the layers


class Sequential(Exchanged):
    """Layers in a row, trained in a compiled loop.

    A compiled call does many short epochs, or a part of a long one: some 0.05 s of work, so that
    Ctrl-C is heard. All parameters lie in one flat vector, of which `layers[i].W` and `.b` are
    views: what the compiled loop learns is seen in the layers, and what is written into a layer,
    its activation and the list of layers too, is used at the next call. A call that is running in
    another thread goes on with the layers and the vector that it began with.

    Parameters
    ----------
    layers : list of Dense, Affine, MatMul, BatchNormalization, Dropout, Softmax, Embedding and more
        Activations are Sigmoid, Relu and all that derive from `fastnet.layers.Activation`, yours
        too. An Embedding comes first, and x is then row numbers (N, L). A number in x is the same
        in any dtype: `Rescaling(1 / 255)` first brings pixels of 0..255 to 0..1. Where the first
        layer takes samples in their shape, as Conv2D and LSTM do, x is (N, height, width,
        channels) or (N, steps, features); for any other it is flattened. `fit` trains with
        batch statistics and random masks, `predict` and `evaluate` go without. The model takes the
        layers over: the arrays of ready-made ones are copied into its vector, so two layers cannot
        share one (tied weights): step such layers by hand. A layer belongs to one model as long as
        it is in its list, and another refuses it, also where the first is deleted by then:
        `copy.deepcopy(layers)` makes others that begin with what these have learnt.
    loss : str, or an object of a class of fastnet.losses or of one of your own, a `Loss`
        A name in `fastnet.losses.LOSSES`, where each is described: "softmax_cross_entropy",
        "mean_squared_error", "huber" ...; an object such as Huber(delta=2.0) is copied. Keras' and
        PyTorch's names stand for the loss that has their value: "mse", "bce_with_logits". Targets t
        are (N, C), or (N,) where C is 1; for "softmax_cross_entropy",
        "sparse_categorical_cross_entropy" and "categorical_hinge" they are labels (N,) or one-hot
        (N, C), for the first probabilities (N, C), too. "mean_squared_error" is halved and summed
        over the outputs. Some losses take probabilities: `fastnet.losses` has a table of the last
        layers that go with each, and where a Softmax is the last one the two are computed as one.
        What judges the answers, unasked and by name, is the loss's: see `evaluate`. Of a model that
        ends in a sequence (`fastnet.layers.Steps`) each step is an answer: t are labels (N, steps),
        of which -1 does not count, or targets (N, steps, C). Where `Branches` are the last layer, a
        list with a loss for each head, or a dict by their names, or a WeightedLosses: then t is a
        list or a dict of targets, `predict` returns a list of outputs, and `fit` and `evaluate`
        tell the loss of all, and of each head what it has, as "head0_loss", "head0_accuracy".
    dtype : "float32" or "float64"
    seed : int, optional
        Seeds the initial weights and the order of the samples: the same seed gives the same bits.
    l1, l2 : float
        Strengths of penalties on large weights, which are a part of the loss: for each W of Dense,
        Affine, MatMul and convolutions, and each Wx and Wh, l1 * sum(|W|) + l2 / 2 * sum(W**2).
        Biases, an Embedding's table and what BatchNormalization learns go without.
    loss_weights : list, or dict by the names of heads, optional
        Of several losses, sum(weight * loss) / sum(weight) is minimized; by default all weigh
        alike. Keras' loss_weights give the sum, which is that times the sum of the weights.

    Attributes
    ----------
    layers : list
        May be changed: the next call builds what is new in it. `layers[i].trainable = False`
        freezes a layer from the next call on.
    l1, l2 : float
        May be changed: the next call goes by them.
    optimizer : one of fastnet.optimizer, None at first
        The one that trained the model last. A `fit` that is given none goes on with it, and `save`
        keeps it.
    metadata : dict, None at first
        Whatever belongs to the model and JSON can hold, such as the names of classes: `save` keeps
        it, and nothing else reads it.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range; the last layer cannot give what the loss
        takes.
    MemoryError
        The parameters do not fit in memory.

    Notes
    -----
    One generator, `numpy.random.default_rng(seed)`, draws the weights layer by layer and then a
    permutation an epoch; `fastnet.reference.models.Sequential` draws the same. With a Dropout
    the first `fit` also draws the seed of its masks, before the first permutation.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Dense
    >>> from fastnet.models import Sequential
    >>> from fastnet.optimizer import SGD
    >>> x, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([0, 1, 1, 0])
    >>> model = Sequential([Dense(8, activation="tanh"), Dense(2)], seed=0)
    >>> history = model.fit(x, t, epochs=500, batch_size=4, optimizer=SGD(lr=0.5), verbose=0)
    >>> model.predict(x).argmax(axis=1)
    array([0, 1, 1, 0])
    >>> model.evaluate(x, t)["accuracy"]
    1.0
    """

    def predict(self, x: ArrayLike, check_finite: bool = False) -> NDArray[Any]:
        """Return the outputs of the last layer: without the softmax that a loss includes.

        NaN or infinity in a sample gives NaN, or what the layers make of it, in its row of outputs;
        the other rows are as they would be without.

        Parameters
        ----------
        x : (N, D) or (N, ...), or one row (D,)
        check_finite : bool
            Refuse x that has NaN or infinity, or numbers that are infinite in the model's dtype.

        Returns
        -------
        (N, C) of the model's dtype, or (C,) for one row
            (N,), or a number, where C is 1 and the last `fit`, or `forward`, was given targets
            (N,): their shape, so that `model.predict(x) - t` is what it says. Before any, (N, 1).
            Of several outputs a list of such arrays, in the order of the heads.

        Raises
        ------
        TypeError, ValueError
            x does not fit, or is not finite where check_finite is True.
        RuntimeError
            The model has no layers.
        """
        where = "Sequential.predict"
        if check_finite is False:
            found = self._predict_few(x)
            if found is not None:
                return found
        x = checks.array(where, "x", x)
        alone: Any = None
        if take_shape(self.layers):
            if x.shape == self._input_shape():
                alone = x[None]
        elif x.ndim == 1 and x.size:
            alone = checks.one_row(where, "x", x, self._width())
        if alone is not None:
            of_one: Any = Sequential.predict(self, alone, check_finite)
            of_one = [y[0] for y in of_one] if isinstance(of_one, list) else of_one[0]
            return of_one
        rows = self._rows(where, x)
        if checks.flag(where, "check_finite", check_finite):
            checks.finite(where, "x", rows.array, self._dtype)
        n = len(rows.array)
        network = self._ready(where, rows.shape, vocabulary=rows.vocabulary)
        network.check_in_loop()
        out = empty((n, network.outputs * network.answers), self._dtype)
        network = skipping_zeros(network, rows, n, min(n, PREDICT_ROWS))
        network.predict(rows, np.arange(n, dtype=LABEL), out)
        if isinstance(self._loss, HeadLosses):
            parts: Any = heads.told_apart(self, network, out)
            return parts
        if len(network.output_shape) > 1:
            return out.reshape(n, *network.output_shape)
        return out.reshape(n) if self._is_flat and network.outputs == 1 else out

    def _predict_few(self, x: Any) -> NDArray[Any] | None:
        """Return what `predict` does, for a few rows as they usually are; None for all others.

        Takes 4.4 us for a row of 784-50-10, where what `predict` does for any takes 6.8.
        """
        if type(x) is not np.ndarray or not x.flags.carray:
            return None
        if x.ndim != 2:
            found = self._predict_few(x[None]) if x.ndim == 1 else None
            return None if found is None else found[0]
        n, n_in = x.shape
        network, kind = self._network, KINDS.get(x.dtype)
        if kind is None or n_in != network.inputs or not 0 < n <= FEW_ROWS.size:
            return None
        if network.vocabulary or not network.is_current(self.layers[:]) or not len(network.table):
            return None
        if len(network.input_shape) > 1 or len(network.output_shape) > 1 or network.heads:
            return None
        out, work = empty((n, network.outputs), self._dtype), network.scratch(n)
        predict_rows(
            address_of(x),
            kind,
            x.strides[0],
            FEW_ROWS[:n],
            network.params,
            network.whole_program,
            work,
            n,
            out,
            threads.ALONE,
            0,
        )
        return out.reshape(n) if self._is_flat and network.outputs == 1 else out

    def predict_proba(self, x: ArrayLike) -> NDArray[Any]:
        """Return the probabilities of classes: what `predict` does, or the softmax of it.

        Parameters
        ----------
        x : (N, D) or (N, ...), or one row (D,)

        Returns
        -------
        (N, C), rows of which sum to 1, or (C,) for one row

        Raises
        ------
        TypeError, ValueError
            x does not fit.
        RuntimeError
            The last layer is no Softmax, and the loss not "softmax_cross_entropy".
        """
        found = outputs_of(self.layers)
        if found is not None and found.adds_up:
            return self.predict(x)
        if self.loss != "softmax_cross_entropy":
            raise RuntimeError(
                'Sequential.predict_proba: loss must be "softmax_cross_entropy", or the last layer '
                f'Softmax(), got loss="{self.loss}". Use predict.'
            )
        y = self.predict(x)
        result: NDArray[Any] = softmax(y.reshape(-1, y.shape[-1])).reshape(y.shape)
        return result

    def summary(self, print_fn: Callable[[str], Any] | None = None) -> None:
        """Print the layers with the shapes that they give, parameter counts, and what is frozen.

        Parameters
        ----------
        print_fn : function of text, optional
            What is called once, with the whole table, in the place of print.

        Raises
        ------
        RuntimeError
            The number of inputs is not known yet.

        Examples
        --------
        >>> from fastnet.layers import Dense
        >>> from fastnet.models import Sequential
        >>> parts = []
        >>> Sequential([Dense(3, input_shape=(4,)), Dense(2)]).summary(print_fn=parts.append)
        >>> print(parts[0])
        layer  made with  output  weights       parameters
        Dense             (3,)    (4, 3) (3,)           15
        Dense             (2,)    (3, 2) (2,)            8
        total                                           23
        """
        from fastnet.models.summary import summary_of

        (print if print_fn is None else print_fn)(
            summary_of(self, self._ready("Sequential.summary"))
        )

    def save(self, path: str | bytes | os.PathLike[Any], optimizer: Any = None) -> None:
        """Write the model and its optimizer to one safetensors file, whole or not at all.

        See `fastnet.checkpoint.save_model`.
        """
        from fastnet.models.saved import save_model

        self._ready("Sequential.save")
        save_model(self, path, optimizer)

    @classmethod
    def load(
        cls: type[Model], path: str | bytes | os.PathLike[Any], layers: Sequence[type] = ()
    ) -> Model:
        """Read a model that `save` wrote: the same predictions, and the same training, to the bit.

        `fit` without an optimizer goes on with the one that was saved, which is its `optimizer`.

        A subclass gets an object of its own class, whose `__init__` is not called.

        See `fastnet.checkpoint.load_model`.
        """
        from fastnet.models.loaded import loaded

        return loaded(cls, path, layers)
