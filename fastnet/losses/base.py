"""What all losses have, and what they tell the compiled loop."""

from __future__ import annotations

import re
from typing import Any, ClassVar, NamedTuple

from numpy.typing import NDArray

from fastnet import checks
from fastnet.losses.outputs import Taken
from fastnet.metrics.named import NAMES

__all__ = ["LoopLoss", "Loss"]


class LoopLoss(NamedTuple):
    """What the compiled loop calls for a loss.

    Parameters
    ----------
    function : int or entry
        SOFTMAX_CROSS_ENTROPY or MEAN_SQUARED_ERROR of `fastnet.kernels`, which the loop knows; or
        a function for `fastnet.kernels.loop.calls.Loss`, made with `fastnet.kernels.entry`.
    numbers : tuple of float
        The loss's own, such as Huber's delta: what `numbers` of that function points to.

    Examples
    --------
    >>> from fastnet.losses import Huber
    >>> Huber(delta=2.0).in_loop().numbers
    (2.0,)
    """

    function: Any
    numbers: tuple[float, ...] = ()


class Loss:
    """A loss: forward(x, t) returns the mean over a batch, backward(dout=1) the gradient dx.

    A loss of your own derives from it. With `forward` and `backward` in plain NumPy it goes into
    steps by hand and into `Sequential`'s; with `in_loop` also into `Sequential.fit`. A class that
    derives from a loss of fastnet and computes otherwise is another loss to the loop, too: it
    needs an `in_loop` of its own.

    Attributes
    ----------
    params, grads : list
        Empty: a loss learns nothing.
    y, t, loss
        After forward: the outputs, or what was made of them, the targets, and the loss.
        `Sequential.backward` asks whether there is a y.
    name : str, of the class
        What `Sequential` calls it: the name of the class in lower case, unless the class has one.
    takes_labels : bool, of the class
        Whether t is class labels (N,), and not targets (N, C).
    metrics, default_metrics : tuples of str, of the class
        The names in `fastnet.metrics.NAMES` that suit the loss, and those that `fit` and `evaluate`
        give unasked. A class of your own has all names, as far as its targets go, and gives none.
    yes_above : pair of floats or None, of the class
        Where each output is an answer by itself: above which number an output, and a target, say
        yes.
    outputs : Taken or None, of the class
        What the outputs of a network must be: `Sequential` refuses a last layer that cannot give
        them. None: any numbers. A class that derives from a loss of fastnet and computes otherwise
        has None, unless it says what it takes.
    argument_names : tuple of str, of the class
        The arguments of the constructor, which a file keeps.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Dense
    >>> from fastnet.losses import Loss
    >>> from fastnet.models import Sequential
    >>> class FourthPower(Loss):
    ...     def forward(self, x, t):
    ...         self.y, self.t = x, t
    ...         return ((x - t) ** 4).mean()
    ...
    ...     def backward(self, dout=1):
    ...         return 4 * (self.y - self.t) ** 3 * dout / self.y.size
    >>> model = Sequential([Dense(1)], FourthPower(), seed=0)
    >>> x = np.ones((2, 3))
    >>> bool(model.forward(x, [1, 2]) > 0)
    True
    >>> model.backward().shape
    (2, 3)

    Of two functions of vectors, for the compiled loop:

    >>> from fastnet.kernels import helper, mean_loss
    >>> from fastnet.losses import LoopLoss
    >>> @helper
    ... def fourth_power(y, t):
    ...     return (y - t) * (y - t) * (y - t) * (y - t)
    >>> @helper
    ... def fourth_power_slope(y, t):
    ...     return 4.0 * (y - t) * (y - t) * (y - t)
    >>> made = mean_loss("fourth_power", fourth_power, fourth_power_slope, "Fourth power.")
    >>> class InLoop(FourthPower):
    ...     def in_loop(self):
    ...         return LoopLoss(made[2])
    >>> model = Sequential([Dense(1)], InLoop(), seed=0)
    >>> history = model.fit(x, [1, 2], epochs=3, verbose=0)
    >>> history.loss[2] < history.loss[0]
    True
    """

    y: Any
    t: Any
    loss: Any
    name: ClassVar[str] = "loss"
    takes_labels: ClassVar[bool] = False
    metrics: ClassVar[tuple[str, ...]] = NAMES
    default_metrics: ClassVar[tuple[str, ...]] = ()
    yes_above: ClassVar[tuple[float, float] | None] = None
    takes_shares: ClassVar[bool] = False  # besides labels also probabilities (N, C)
    outputs: ClassVar[Taken | None] = None
    argument_names: ClassVar[tuple[str, ...]] = ()
    _forward_name: str
    _backward_name: str

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = vars(cls)
        if "__init__" in own:
            cls.__init__ = checks.keywords_of(cls.__name__)(cls.__init__)  # type: ignore[method-assign]
        if "name" not in own:
            cls.name = re.sub(r"(?<=.)(?=[A-Z])", "_", cls.__name__).lower()
        if not cls.__module__.startswith("fastnet."):
            computes = own.keys() & {"forward", "backward", "in_loop"}
            if computes and "in_loop" not in own:
                cls.in_loop = Loss.in_loop  # type: ignore[method-assign]
            if computes and "outputs" not in own:
                cls.outputs = None
            if computes and "takes_shares" not in own:
                cls.takes_shares = False
            if computes and "of_logits" not in own:
                cls.of_logits = Loss.of_logits  # type: ignore[method-assign]
        # For errors. To make such a name takes 0.1 us, in each call of forward.
        cls._forward_name = f"{cls.__name__}.forward"
        cls._backward_name = f"{cls.__name__}.backward"

    def __init__(self) -> None:
        self.params: list[NDArray[Any]] = []
        self.grads: list[NDArray[Any]] = []

    def in_loop(self) -> LoopLoss:
        """Return what the compiled loop calls for the loss.

        Raises
        ------
        TypeError
            The class has no in_loop of its own: it goes into steps by hand alone.
        """
        raise TypeError(
            f"{type(self).__name__}.in_loop: the class must say what the loss is to the compiled "
            "loop, got no in_loop beside its forward and backward. Write it, or step by hand: "
            "model.forward, model.backward, optimizer.update."
        )

    def of_logits(self) -> Any:
        """Return the loss that is softmax and this loss in one; None where there is none.

        Where a Softmax is the last layer, `Sequential` computes that loss from what the Softmax is
        given: exact where a probability is 0, and faster.
        """
        return None

    def check_targets(self, where: str, t: NDArray[Any]) -> None:
        """Raise ValueError for targets whose values the loss cannot take.

        Parameters
        ----------
        where : str
            The public name that the error begins with.
        t : (N, C)
        """

    def classes_of(self, where: str, labels: NDArray[Any], targets: NDArray[Any]) -> Any:
        """Return the class of each sample, by which class weights go, and how many there are.

        Parameters
        ----------
        where : str
            The public name that an error begins with.
        labels : (N,) int64
            Empty where the loss takes targets, or was given them.
        targets : (N, C)

        Raises
        ------
        TypeError
            The loss knows no classes.
        """
        raise TypeError(
            f'{where}: class_weight must be None for loss="{self.name}", whose targets are no '
            "classes, got a value. Give sample_weight."
        )

    def _smoothed(self, t: NDArray[Any]) -> NDArray[Any]:
        """Return targets with the share of each that goes to all classes alike."""
        return t

    def _arguments(self) -> dict[str, Any]:
        """Return the arguments that a file and `repr` name: without those that do nothing."""
        found = {name: getattr(self, name) for name in self.argument_names}
        return {
            name: value
            for name, value in found.items()
            if value is not None and (name, value) != ("label_smoothing", 0)
        }

    def __repr__(self) -> str:
        given = [f"{name}={value!r}" for name, value in self._arguments().items()]
        return f"{type(self).__name__}({', '.join(given)})"
