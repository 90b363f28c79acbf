"""Keywords that a function does not have: where they belong, or what they are called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from fastnet.checks.arrays import _shown
from fastnet.checks.names import _near

__all__ = ["keywords_of", "no_arguments"]

Function = TypeVar("Function", bound=Callable[..., Any])

# As other libraries call them -> here.
NAMES = {
    "batch": "batch_size",
    "beta_1": "beta1",
    "beta_2": "beta2",
    "clipnorm": "clip_norm",
    "clipvalue": "clip_value",
    "epsilon": "eps",
    "global_clipnorm": "clip_norm",
    "in_features": "input_shape",
    "input_dim": "input_shape",
    "kernel_initializer": "weight_init_std",
    "labels": "t",
    "learning_rate": "lr",
    "max_iter": "epochs",
    "n_epochs": "epochs",
    "nb_epoch": "epochs",
    "negative_slope": "alpha",
    "num_epochs": "epochs",
    "out_features": "units",
    "random_state": "seed",
    "p": "dropout_ratio",
    "rate": "dropout_ratio",
    "rho": "decay_rate",
    "targets": "t",
    "y": "t",
}
# Names of weights to begin with, Keras' too -> what has the same deviation here; others: "he".
INITIALIZERS = {
    **{f"{n}_{kind}": n for n in ("he", "glorot", "lecun") for kind in ("normal", "uniform")},
    **{name: name for name in ("he", "xavier", "glorot", "lecun", "zeros")},
    "random_normal": 0.05,
}
# Where an argument belongs, with its value in place of {}.
PLACES = {
    "activation": ("a layer", "Dense(units, activation={})"),
    "batch_size": ("fit", "model.fit(x, t, batch_size={})"),
    "betas": ("two arguments", "beta1=0.9, beta2=0.999"),
    "callbacks": ("fit", "model.fit(x, t, callbacks=[...])"),
    "class_weight": ("fit", "model.fit(x, t, class_weight={})"),
    "clip_norm": ("the optimizer", "optimizer=SGD(clip_norm={})"),
    "clip_value": ("the optimizer", "optimizer=SGD(clip_value={})"),
    "dtype": ("the constructor", "Sequential(layers, dtype={})"),
    "epochs": ("fit", "model.fit(x, t, epochs={})"),
    "ignore_index": ("the loss", "loss=SoftmaxCrossEntropy(ignore_index={})"),
    "input_shape": ("the first Dense", "Dense(units, input_shape={})"),
    "l1": ("the constructor", "Sequential(layers, l1={})"),
    "l2": ("the constructor", "Sequential(layers, l2={})"),
    "kernel_regularizer": ("the constructor", "Sequential(layers, l1=..., l2=...)"),
    "label_smoothing": ("the loss", "loss=SoftmaxCrossEntropy(label_smoothing={})"),
    "loss": ("the constructor", "Sequential(layers, loss={})"),
    "loss_weights": ("the constructor", "Sequential(layers, loss=[...], loss_weights={})"),
    "lr": ("the optimizer", "optimizer=SGD(lr={})"),
    "metrics": ("fit or evaluate", "model.fit(x, t, metrics={})"),
    "momentum": ("the optimizer", "optimizer=Momentum(momentum={})"),
    "nesterov": ("an optimizer of its own", "Nesterov()"),
    "optimizer": ("fit", "model.fit(x, t, optimizer={})"),
    "sample_weight": ("fit or evaluate", "model.fit(x, t, sample_weight={})"),
    "seed": ("the constructor", "Sequential(layers, seed={})"),
    "shuffle": ("fit", "model.fit(x, t, shuffle={})"),
    "validation_data": ("fit", "model.fit(x, t, validation_data={})"),
    "validation_split": ("fit", "model.fit(x, t, validation_split={})"),
    "verbose": ("fit", "model.fit(x, t, verbose={})"),
    "weight_decay": ("the optimizer", "optimizer=SGD(weight_decay={})"),
    "weight_init_std": ("a layer", "Dense(units, weight_init_std={})"),
}


def keywords_of(where: str) -> Callable[[Function], Function]:
    """Have a function of that public name say where a keyword belongs that it does not have.

    It asks when Python has refused the call: others pay for one more frame, 0.1 us.
    """

    def decorated(function: Function) -> Function:
        @functools.wraps(function)
        def call(*args: Any, **named: Any) -> Any:
            try:
                return function(*args, **named)
            except TypeError as error:
                if error.__traceback__ is not None and error.__traceback__.tb_next is None:
                    _look_at(where, function, named)  # it was not entered
                raise

        return cast("Function", call)

    return decorated


def no_arguments(function: Function) -> Function:
    """Have an `__init__` that takes nothing say so in the name of its class."""

    @functools.wraps(function)
    def call(self: Any, *args: Any, **named: Any) -> Any:
        if not args and not named:
            return function(self)
        where = type(self).__name__
        way = "Leave it out"
        if where == "Activation":  # Keras' way to a layer; here it is the base of such layers
            way = "Take Relu(), Tanh() ..., or Dense(units, activation=...)"
        got = ", ".join(
            [*map(_shown, args), *(f"{name}={_shown(one)}" for name, one in named.items())]
        )
        raise TypeError(f"{where}: arguments must be none, got {got}. {way}.")

    return cast("Function", call)


def _look_at(where: str, function: Callable[..., Any], named: dict[str, Any]) -> None:
    """Raise TypeError for the first keyword that is none of the function's."""
    known = [name for name in inspect.signature(function).parameters if name != "self"]
    for name in named:
        if name not in known:
            shown = _shown(named[name])
            literal = shown if isinstance(named[name], (str, int, float)) else "..."
            own = NAMES.get(name, name)
            if isinstance(named[name], str) and own == "weight_init_std":
                literal = repr(INITIALIZERS.get(named[name], "he"))
            if own not in known and own not in PLACES:
                own = _near(name, known)
            if own in known:
                rule, way = f"be called {own} here", f"Give {own}={literal}"
            elif own:
                place, how = PLACES[own]
                rule, way = f"be given to {place}", f"Give {how.format(literal)}"
            else:
                rule, way = f"be one of {', '.join(known)}", "Leave it out"
            raise TypeError(f"{where}: {name} must {rule}, got {name}={shown}. {way}.") from None
