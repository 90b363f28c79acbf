"""The network between a pipeline's inputs and its answers: made, trained towards, asked, judged."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnet.cli import parts
from fastnet.cli.messages import BadInput
from fastnet.cli.pipeline import Pipeline

if TYPE_CHECKING:
    from fastnet.models import Sequential

FILTERS, WINDOW = 30, 5  # of simple-conv
METRICS = {
    "classification": ("accuracy", "precision", "recall", "f1", "auc"),
    "regression": ("rmse", "mae", "r2"),
}


def make_network(
    options: argparse.Namespace, pipeline: Pipeline, n_in: int, std: float | None
) -> Sequential:
    """Return a network of the inputs of a pipeline: of pixels, which it brings to 0..1 itself."""
    from fastnet.layers import (
        Conv2D,
        Dense,
        Dropout,
        Flatten,
        MaxPooling2D,
        Rescaling,
        Reshape,
        Softmax,
    )
    from fastnet.models import Sequential

    kind = parts.losses()[options.loss.name]
    layers: list[Any] = []
    if pipeline.kind == "images":
        layers.append(Rescaling(1 / pipeline.top))
    if options.model == "simple-conv":
        layers += [
            Reshape(pipeline.shape),
            Conv2D(FILTERS, WINDOW, activation=options.activation, weight_init_std=std),
            MaxPooling2D(2),
            Flatten(),
        ]
    for units in options.hidden:
        layers.append(Dense(units, options.activation, weight_init_std=std))
        if options.dropout is not None:
            layers.append(Dropout(options.dropout))
    last = parts.last_activation(kind)
    outputs = len(pipeline.labels) if pipeline.task == "classification" else 1
    plain = last if last != "softmax" else None
    layers.append(Dense(outputs, plain, weight_init_std=std))
    if last == "softmax":
        layers.append(Softmax())
    model = Sequential(
        layers,
        parts.made("--loss", options.loss, kind),
        dtype=options.dtype,
        seed=options.seed,
        l1=options.l1,
        l2=options.l2,
    )
    model.build(n_in)
    model.metadata = {"pipeline": pipeline.to_json()}
    return model


def targets_of(model: Sequential, pipeline: Pipeline, t: NDArray[Any]) -> NDArray[Any]:
    """Return what the network is to give: of labels (N,) what its loss takes, of numbers theirs."""
    if pipeline.task == "regression":
        found: NDArray[Any] = ((t - pipeline.mean) / pipeline.deviation).astype(model.dtype)
        return found
    loss = parts.losses()[model.loss]
    if loss.takes_labels:
        return t
    yes_or_no = np.eye(len(pipeline.labels), dtype=model.dtype)[t]
    return 2 * yes_or_no - 1 if loss.yes_above == (0.0, 0.0) else yes_or_no


def answers_of(
    model: Sequential, pipeline: Pipeline, x: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the outputs, and the answers: indices of labels, or numbers in their own units."""
    y = np.atleast_1d(model.predict(x))
    if pipeline.task == "regression":
        y = y.reshape(-1).astype(np.float64) * pipeline.deviation + pipeline.mean
        return y, y
    return y, y.argmax(axis=1)


def probabilities(model: Sequential, y: NDArray[Any]) -> NDArray[Any]:
    """Return what each class is given of outputs (N, C); BadInput where there are none."""
    from fastnet.functions import softmax

    if model.loss == "softmax_cross_entropy":
        found: NDArray[Any] = softmax(y)
        return found
    if parts.last_activation(parts.losses()[model.loss]) == "softmax":
        return y
    raise BadInput(
        f"--proba must go with a loss of probabilities, got a model of {model.loss}. Train with "
        "--loss softmax_cross_entropy."
    )


def judged(
    model: Sequential,
    pipeline: Pipeline,
    x: NDArray[Any],
    t: NDArray[Any],
    names: tuple[str, ...] | list[str] | None = None,
) -> dict[str, float]:
    """Return the loss, and the metrics of the answers in their own units."""
    import fastnet.metrics

    loss = model.evaluate(x, targets_of(model, pipeline, t), metrics=[])["loss"]
    y, _ = answers_of(model, pipeline, x)
    found = {"loss": float(loss)}
    for name in METRICS[pipeline.task] if names is None else names:
        with np.errstate(all="ignore"):
            found[name] = float(getattr(fastnet.metrics, name)(t, y))
    return found


def metric_names(pipeline: Pipeline, asked: list[str]) -> list[str]:
    """Return the metrics that are asked for, which suit the task."""
    from fastnet.metrics import NAMES

    for name in asked:
        suits = METRICS[pipeline.task]
        if name not in suits:
            what = "suit the task" if name in NAMES else "be those of the task"
            raise BadInput(
                f"--metrics must {what}, {pipeline.task}, got {name!r}. Give some of "
                f"{', '.join(suits)}."
            )
    return asked
