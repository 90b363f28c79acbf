"""Two recurrent layers side by side, one in each direction."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from fastnet import checks
from fastnet.layers.recurrent import GRU, LSTM, SimpleRNN
from fastnet.layers.recurring import Recurring, array
from fastnet.layers.told import Outputs

__all__ = ["Bidirectional"]

KINDS: dict[str, Any] = {kind.__name__: kind for kind in (SimpleRNN, LSTM, GRU)}


class Bidirectional(Recurring):
    """Two recurrent layers side by side, one of which runs from the last step to the first.

        out = [states of the first, states of the second], 2 H features

    Parameters
    ----------
    layer : SimpleRNN, LSTM or GRU
        One that is not built and not stateful. It says what both are, with weights of their own.

    Attributes
    ----------
    layer : as given
        It stays without weights.
    Wx1, Wh1, b1 : arrays
        Of the one that runs forward, as the layer's class has them.
    Wx2, Wh2, b2 : arrays
        Of the one that runs from the last step.

    Raises
    ------
    TypeError, ValueError
        layer is none of these.

    Notes
    -----
    Without return_sequences out are the states after the last step that each has seen, as in Keras,
    whose merge_mode is "concat". Source: Keras; Schuster and Paliwal, 1997.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import LSTM, Bidirectional
    >>> layer = Bidirectional(LSTM(3))
    >>> layer.build((5, 2), np.random.default_rng(0), "float32")
    >>> layer.Wx2.shape, layer.forward(np.ones((4, 5, 2), np.float32)).shape
    ((2, 12), (4, 6))
    """

    array_names = ("Wx1", "Wh1", "Wx2", "Wh2", "b1", "b2")
    argument_names = ("kind", "units", "activation", "return_sequences", "weight_init_std")
    decays = 4
    Wx1 = array(0, "Weights of the inputs of the first: `params[0]`.")
    Wh1 = array(1, "Weights of the states of the first: `params[1]`.")
    Wx2 = array(2, "Weights of the inputs of the second: `params[2]`.")
    Wh2 = array(3, "Weights of the states of the second: `params[3]`.")
    b1 = array(4, "Bias of the first: `params[4]`.")
    b2 = array(5, "Bias of the second: `params[5]`.")
    _directions = 2

    def __init__(self, layer: SimpleRNN | LSTM | GRU) -> None:
        checks.of_two_directions(type(layer).__name__ in KINDS, layer)
        self.layer = layer
        of_layer: Any = layer
        for name in ("_gates", "_bias_rows", "_state_names", "_by_hand", "_in_loop"):
            setattr(self, name, getattr(of_layer, name))
        options = layer.input_shape, layer.weight_init_std
        self._begin(layer.units, layer.return_sequences, False, None, *options)

    @property
    def kind(self) -> str:
        """Class of the layer that both are."""
        return type(self.layer).__name__

    @property
    def activation(self) -> str:
        """Activation of the layer that both are."""
        return str(getattr(self.layer, "activation", "tanh"))

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: that of the layer."""
        found: Outputs | None = self.layer.outputs(inputs)
        return found

    def _setting(self) -> tuple[int, ...]:
        return self.layer._setting()

    def _initial_bias(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return self.layer._initial_bias(shape)

    @classmethod
    def _of_arguments(cls, arguments: dict[str, Any]) -> Any:
        given = dict(arguments)
        kind, activation = given.pop("kind"), given.pop("activation")
        if kind == "SimpleRNN":
            given["activation"] = activation
        return cls(KINDS[checks.choice(cls.__name__, "kind", kind, KINDS)](**given))

    def __repr__(self) -> str:
        return f"Bidirectional({self.layer!r})"
