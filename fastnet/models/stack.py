"""A stack of layers whose parameters lie in one vector, built as soon as it knows its inputs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnet import checks
from fastnet.models.assembly import copy_assigned, gathered, recorded, unbuilt
from fastnet.models.head_losses import loss_of
from fastnet.models.layer_list import (
    check_free,
    check_outputs,
    inputs_of,
    leaves,
    output_shape,
    stacked,
    take_over,
    take_shape,
)
from fastnet.models.network import Network
from fastnet.models.parameters import Parameters
from fastnet.models.records import changed_meanwhile
from fastnet.optimizer.arrays import goes_along, moved

__all__ = ["Stack"]


class Stack(Parameters):
    """What a Sequential is before it learns: layers, a loss, and all parameters in one vector."""

    _is_flat = False  # whether the targets that it was trained on were (N,), of one output
    optimizer: Any = None  # the one that trained it last
    metadata: dict[str, Any] | None = None  # of the user's own, kept in files
    # For Dropout in the loop: the seed of its masks, and how many updates they were drawn for.
    _masks: tuple[int, int] | None = None

    @checks.keywords_of("Sequential")
    def __init__(
        self,
        layers: list[Any] | None = None,
        loss: Any = "softmax_cross_entropy",
        dtype: str = "float32",
        seed: int | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        loss_weights: Any = None,
    ) -> None:
        self._loss: Any = loss_of("Sequential", loss, loss_weights)
        self._dtype = checks.float_dtype("Sequential", dtype)
        self._rng = np.random.default_rng(checks.seed("Sequential", seed))
        self.l1, self.l2 = l1, l2
        self._penalties("Sequential")
        self.layers: list[Any] = []
        self._network = unbuilt(self._loss, self._dtype)
        if not isinstance(layers, (list, tuple, type(None))):
            got = type(layers).__name__
            raise TypeError(
                f"Sequential: layers must be a list, got {got}. Give [Dense(...), ...]."
            )
        added = list(layers or [])
        stacked("Sequential.add", added)
        check_outputs("Sequential", self._loss, added)  # before it takes them over
        self._extend("Sequential.add", added)

    def __getstate__(self) -> dict[str, Any]:
        # A copied view is no view: copies and pickles hold the layers' arrays alone ...
        if self._network.inputs:
            self._ready("Sequential")
        state = {**self.__dict__, "_network": self._network.input_shape}
        if self.optimizer and not goes_along(self.optimizer, self._network.arrays()):
            state["optimizer"] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._network = unbuilt(self._loss, self._dtype)
        take_over(self, self.layers)
        if state["_network"]:  # ... and gather them anew.
            self._ready("Sequential", state["_network"])
        if self.optimizer:
            self.optimizer._params = self._network.arrays()

    def __repr__(self) -> str:
        names = [repr(layer) for layer in self.layers]
        if len(names) > 8:
            names[4:-3] = ["..."]
        stack = ", ".join(names) or "no layers"
        built = f"{self._network.params.size:,} parameters" if self._network.inputs else "not built"
        return f"<{type(self).__name__}: {stack}; {self.loss}, {self.dtype.name}, {built}>"

    @property
    def loss(self) -> str:
        """Name of the loss, one of `fastnet.losses.LOSSES` or of a class of your own.

        Of several outputs the names of their losses, with + between them.
        """
        name: str = self._loss.name
        return name

    @loss.setter
    def loss(self, value: Any) -> None:
        """Refuse: what is trained would be another loss than what is saved."""
        raise checks.as_made("Sequential", "loss", value)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the parameters and results: float32 or float64."""
        return self._dtype

    @dtype.setter
    def dtype(self, value: Any) -> None:
        """Refuse: the parameters are of the dtype that they were made in."""
        raise checks.as_made("Sequential", "dtype", value)

    def add(self, layer: Any) -> None:
        """Append a layer. It is built at once where the number of its inputs is known.

        Parameters
        ----------
        layer : any that the constructor takes

        Raises
        ------
        TypeError
            It is none of these.
        ValueError
            It does not take what the layer before it gives, has arrays that are not its own, is an
            Embedding that is not the first, or belongs to a model.
        MemoryError
            Its parameters do not fit in memory.

        Notes
        -----
        After an error the model is as it was. `build` and what computes the loss look whether the
        last layer gives what the loss takes, as more may be added.
        """
        self._extend("Sequential.add", [layer])

    def _extend(self, where: str, added: list[Any]) -> None:
        layers = [*self.layers, *added]
        shape = inputs_of(layers)
        if shape is None:
            check_free(where, self, layers, self._network.stack)
            stacked(where, layers)
        else:
            self._ready(where, shape, layers=layers)
        self.layers += added
        take_over(self, layers)

    def build(self, n_in: int | tuple[int, ...]) -> None:
        """Give every layer its weights, for n_in features, and gather all in one vector.

        `add` does it where a layer says how many features it takes, and every method that is
        given samples (`fit`, `predict`, `evaluate`, `forward` ...) where the model is not built
        yet. A model that is built stays as it is, and after an error as it was.

        Parameters
        ----------
        n_in : int, or tuple of int
            Features of a sample; where the first layer takes samples in their shape, that shape.

        Raises
        ------
        TypeError, ValueError
            n_in is no positive int and no such shape, or not what the layers take; the last layer
            does not give what the loss takes.
        MemoryError
            The parameters do not fit in memory.
        """
        where = "Sequential.build"
        known = self._input_shape()
        if take_shape(self.layers):
            shape = checks.shape(where, n_in)
            if known not in (None, shape):
                raise ValueError(
                    f"{where}: n_in must be the shape {known} that the layers take, got {shape}. "
                    "Leave the call out."
                )
        else:
            shape = (checks.count(where, "n_in", n_in),)
            if known is not None:
                checks.features(where, "n_in", shape[0], known[0])
        check_outputs(where, self._loss, self.layers)
        self._ready(where, shape)

    def _input_shape(self) -> tuple[int, ...] | None:
        """Return the shape of a sample that the model takes; None where it does not know yet."""
        return self._network.input_shape or inputs_of(self.layers)

    def _width(self) -> int | None:
        """Return how many features the model takes; None where it does not know yet."""
        shape = self._input_shape()
        return None if shape is None else math.prod(shape)

    def _ready(
        self,
        where: str,
        shape: tuple[int, ...] | None = None,
        outputs: tuple[int, ...] | None = None,
        layers: list[Any] | None = None,
        vocabulary: int | None = None,
    ) -> Network:
        """Build for samples of a shape, and take in what was changed in the layers and their list.

        Everything is checked, and a new vector filled, before a layer or the model changes. What
        is returned takes that shape and gives the outputs that the caller checked t for, and has
        the rows that it checked row numbers for, even where another thread has changed the layers
        in between.
        """
        layers = self.layers[:] if layers is None else layers  # another thread may change it
        if shape is None:
            shape = self._input_shape()
        if shape is None:
            output_shape(where, layers, None)
            raise RuntimeError(
                f"{where}: the number of inputs must be known. Call fit or build(n_in) first, or "
                "give the first Dense an input_shape."
            )
        network = self._network
        if network.suits(shape, outputs, vocabulary) and network.is_current(layers):
            return network
        check_free(where, self, layers, self._network.stack)
        stack = stacked(where, layers)
        if not stack or stack != network.stack:
            output_shape(where, [layer for layer, _ in stack], shape)
            known = [layer for layer, i, _, _ in network.views if i == 0]
            if known == [layer for layer in leaves(layers) if layer.array_names]:
                network = recorded(where, network, stack, shape)
            else:
                old = {(id(layer), i): view for layer, i, view, _ in network.views}
                network = gathered(where, network, stack, shape, self._rng)
                for layer, i, view, grad in network.views:  # slices: a Dense had none yet
                    layer.params[i : i + 1], layer.grads[i : i + 1] = [view], [grad]
                places = [(old.get((id(layer), i)), view) for layer, i, view, _ in network.views]
                moved(self.optimizer, places)
        assigned = []
        for entry in network.views:
            layer, i, view, grad = entry
            if layer.params[i] is view:
                layer.grads[i] = grad
            else:
                assigned.append(entry)
        if assigned:
            copy_assigned(where, network, assigned)
        if not network.suits(shape, outputs, vocabulary):
            raise changed_meanwhile(where)
        for layer, name, memory in network.memories:
            checks.remembers(where, layer, name, memory.shape)
        for layer, name, memory in network.memories:
            kept = getattr(layer, name)
            if kept is not memory:
                memory[...] = 0 if kept is None else kept
                setattr(layer, name, memory)
        self._network = network
        take_over(self, layers)
        return network

    def _penalties(self, where: str) -> tuple[float, float]:
        """Return the strengths of both penalties."""
        l1, l2 = (
            checks.not_negative(where, name, getattr(self, name), [self._dtype], "1e-4")
            for name in ("l1", "l2")
        )
        return l1, l2
