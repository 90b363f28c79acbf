"""Learning-rate schedules: callables that an optimizer takes for its lr, step -> learning rate.

Steps are updates, counted from 0. Any function of one number will do in their place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fastnet import checks

__all__ = ["CosineDecay", "ExponentialDecay", "StepDecay", "Warmup"]


def _rate(schedule: Any, where: str, name: str, value: Any) -> float:
    return checks.not_negative(where, name, value)


class _Schedule:
    """What the schedules share: how they are shown."""

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name}={value}" for name, value in vars(self).items())
        return f"{type(self).__name__}({numbers})"


class _ByFactor(_Schedule):
    """What the two that fall by a factor share."""

    lr: Any = checks.Checked(_rate)
    every: Any = checks.Checked(lambda schedule, *value: checks.count(*value))
    factor: Any = checks.Checked(lambda schedule, *value: checks.factor(*value))

    def __init__(self, lr: float, every: int, factor: float = 0.1) -> None:
        self.lr, self.every, self.factor = lr, every, factor


class StepDecay(_ByFactor):
    """The learning rate falls by a factor after every so many steps.

        lr(step) = lr * factor**(step // every)

    Parameters
    ----------
    lr : float
        Learning rate of the first steps.
    every : int
        Steps between two falls.
    factor : float
        In (0, 1].

    Raises
    ------
    TypeError
        An argument is not a number, or every is not a whole one.
    ValueError
        lr is negative or not finite, every is below 1, or factor is outside (0, 1].

    Notes
    -----
    The rule of torch.optim.lr_scheduler.StepLR.

    Examples
    --------
    >>> from fastnet.schedules import StepDecay
    >>> lr = StepDecay(0.5, every=10, factor=0.5)
    >>> lr(0), lr(9), lr(10), lr(20)
    (0.5, 0.5, 0.25, 0.125)
    """

    def __call__(self, step: int) -> float:
        """Return the learning rate of a step."""
        checks.count("StepDecay", "step", step, 0)
        return self.lr * self.factor ** (step // self.every)


class ExponentialDecay(_ByFactor):
    """The learning rate falls a little at every step, by a factor after every so many.

        lr(step) = lr * factor**(step / every)

    Parameters
    ----------
    lr : float
        Learning rate of step 0.
    every : int
        Steps in which it falls by the factor.
    factor : float
        In (0, 1].

    Raises
    ------
    TypeError
        An argument is not a number, or every is not a whole one.
    ValueError
        lr is negative or not finite, every is below 1, or factor is outside (0, 1].

    Notes
    -----
    The rule of keras.optimizers.schedules.ExponentialDecay; with every=1, of
    torch.optim.lr_scheduler.ExponentialLR.

    Examples
    --------
    >>> from fastnet.schedules import ExponentialDecay
    >>> lr = ExponentialDecay(0.5, every=2, factor=0.25)
    >>> lr(0), lr(1), lr(2)
    (0.5, 0.25, 0.125)
    """

    def __call__(self, step: int) -> float:
        """Return the learning rate of a step."""
        checks.count("ExponentialDecay", "step", step, 0)
        return self.lr * self.factor ** (step / self.every)


class CosineDecay(_Schedule):
    """The learning rate falls along half a wave of the cosine, and stays at its end.

        lr(step) = last + (lr - last) * (1 + cos(pi * step / steps)) / 2 up to steps, then last

    Parameters
    ----------
    lr : float
        Learning rate of step 0.
    steps : int
        Steps that the fall takes.
    last : float
        Learning rate after it.

    Raises
    ------
    TypeError
        An argument is not a number, or steps is not a whole one.
    ValueError
        lr or last is negative or not finite, or steps is below 1.

    Notes
    -----
    Source: Loshchilov and Hutter, SGDR, equation 5, without restarts.

    Examples
    --------
    >>> from fastnet.schedules import CosineDecay
    >>> lr = CosineDecay(0.5, steps=100)
    >>> lr(0), round(lr(50), 6), lr(100), lr(1000)
    (0.5, 0.25, 0.0, 0.0)
    """

    lr: Any = checks.Checked(_rate)
    steps: Any = checks.Checked(lambda schedule, *value: checks.count(*value))
    last: Any = checks.Checked(_rate)

    def __init__(self, lr: float, steps: int, last: float = 0.0) -> None:
        self.lr, self.steps, self.last = lr, steps, last

    def __call__(self, step: int) -> float:
        """Return the learning rate of a step."""
        checks.count("CosineDecay", "step", step, 0)
        if step >= self.steps:
            return self.last
        return self.last + (self.lr - self.last) * (1 + math.cos(math.pi * step / self.steps)) / 2


class Warmup(_Schedule):
    """The learning rate rises in a line, and then follows another schedule, or stays.

        lr(step) = lr * (step + 1) / steps up to steps, then lr or lr(step - steps)

    Parameters
    ----------
    lr : float or callable
        What follows. The line rises to it; or, if it is a schedule, to lr(0).
    steps : int
        Steps that the rise takes.

    Raises
    ------
    TypeError
        An argument is not a number, or steps is not a whole one.
    ValueError
        lr is negative or not finite, or steps is below 1.

    Notes
    -----
    Source: Goyal et al., Accurate, Large Minibatch SGD, section 2.2, gradual warm-up.

    Examples
    --------
    >>> from fastnet.optimizer import Adam
    >>> from fastnet.schedules import CosineDecay, Warmup
    >>> lr = Warmup(CosineDecay(0.5, steps=100), steps=4)
    >>> lr(0), lr(3), lr(4), lr(104)
    (0.125, 0.5, 0.5, 0.0)
    >>> optimizer = Adam(lr)
    """

    lr: Any = checks.Checked(
        lambda schedule, *value: value[-1] if callable(value[-1]) else _rate(schedule, *value)
    )
    steps: Any = checks.Checked(lambda schedule, *value: checks.count(*value))

    def __init__(self, lr: float | Callable[[int], float], steps: int) -> None:
        self.lr, self.steps = lr, steps

    def __call__(self, step: int) -> float:
        """Return the learning rate of a step."""
        checks.count("Warmup", "step", step, 0)
        after = max(step - self.steps, 0)
        lr = checks.learning_rate("Warmup", self.lr(after) if callable(self.lr) else self.lr)
        return lr if step >= self.steps else lr * (step + 1) / self.steps
