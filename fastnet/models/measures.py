"""What `fit` and `evaluate` measure besides the loss: in the compiled loop, or from predictions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.losses import Loss
from fastnet.metrics.base import Metric
from fastnet.metrics.named import METRICS, OF_CLASSES, TOP
from fastnet.metrics.ways import Way
from fastnet.models.samples import Samples

__all__ = ["Measure", "asked_for", "asked_of", "check_all"]


class Measure(NamedTuple):
    """A metric of a model: counted in the loop, or computed from predictions."""

    name: str  # of one of several outputs, with its name before it
    # "counted", or of which kind its answers are: "classes", "labels" (yes or no), "numbers"; or
    # "own" and "function", of the user's: a Metric, and what takes all targets and outputs
    kind: str
    way: Way
    head: int = 0  # which of several outputs it judges


# Names that paths of files, the columns of a CSVLogger and a History have for something else.
RESERVED = "batch", "epoch", "interrupted", "to_dict"
COUNTED = Measure("accuracy", "counted", Way(None, float))


def asked_for(where: str, metrics: Any, loss: Loss, outputs: int) -> list[Measure]:
    """Return what metrics are asked for; by default, those of the loss."""
    if metrics is None:
        metrics = loss.default_metrics
        if metrics in ((), ("accuracy",)):  # 1.5 us less than by name
            return [COUNTED] if metrics else []
    if not isinstance(metrics, (list, tuple)):
        raise TypeError(
            f"{where}: metrics must be a list of names, got {metrics!r}. "
            'Give a list such as ["accuracy"].'
        )
    found: list[Measure] = []
    for metric in metrics:
        made = _own(where, metric) if callable(metric) else _named(where, metric, loss, outputs)
        taken = {"loss", "seconds", *(other.name for other in found)}
        if made.name in RESERVED:
            taken = set(RESERVED)
        if made.name in taken or made.name.startswith("val_"):
            way = "metric another name" if made.kind == "own" else "function another __name__"
            raise ValueError(
                f"{where}: metrics must have names of their own, got {made.name!r} beside "
                f"{', '.join(sorted(taken))}. Leave it out, or give the {way}."
            )
        found.append(made)
    return found


def _own(where: str, given: Any) -> Measure:
    """Return what a Metric or a function of the user's own measures."""
    if isinstance(given, type) and issubclass(given, Metric):
        name = given.__name__
        raise TypeError(
            f"{where}: metrics must have objects, got the class {name}. Give {name}(...)."
        )
    if not isinstance(given, Metric):
        name = getattr(given, "__name__", type(given).__name__).strip("<>")
        return Measure(name, "function", Way(None, given))
    called: Any = given.name
    if not isinstance(called, str) or not called:
        raise TypeError(
            f"{where}: metrics must have names, got {type(given).__name__}.name={called!r}. "
            "Leave it out, or give a word."
        )
    return Measure(called, "own", Way(given.sums, given.value))


def _named(where: str, name: Any, loss: Loss, outputs: int) -> Measure:
    metric = METRICS.get(name) if isinstance(name, str) else None
    if metric is None:
        near = _near(str(name).lower())
        raise ValueError(
            f"{where}: metrics must be names in fastnet.metrics.NAMES, or functions, got {name!r}. "
            + (f"Did you mean {near[0]!r}?" if near else f"Give some of {_listed(METRICS)}.")
        )
    if name not in loss.metrics or (loss.takes_labels and name not in OF_CLASSES):
        suitable = [n for n in loss.metrics if not loss.takes_labels or n in OF_CLASSES]
        raise ValueError(
            f"{where}: metrics must suit the loss {loss.name}, got {name!r}. "
            f"Give some of {_listed(suitable)}."
        )
    if metric.numbers is not None:
        return Measure(name, "numbers", metric.numbers)
    one_by_one = not loss.takes_labels and (loss.yes_above is not None or outputs == 1)
    if name == "accuracy" or (name == "binary_accuracy" and one_by_one):
        return COUNTED._replace(name=name)
    if metric.labels is not None and (one_by_one or metric.classes is None):
        return Measure(name, "labels", metric.labels)
    most = TOP.get(name, 0)
    if metric.classes is None or most >= outputs:
        raise ValueError(
            f"{where}: metrics must tell the answers of {outputs} "
            f"output{'s' * (outputs > 1)} apart, got {name!r}. Leave it out."
        )
    return Measure(name, "classes", metric.classes)


def _near(word: str) -> list[str]:
    """Return the names that may have been meant: "acc", "f1_score" and slips."""
    import difflib  # 2 ms, on the way to an error

    near = [name for name in METRICS if name.startswith(word) or word.startswith(name)]
    return near or difflib.get_close_matches(word, METRICS, 1)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def asked_of(where: str, metrics: Any, loss: Loss, samples: Samples) -> list[Measure]:
    """Return what metrics are asked for, of each output where there are several."""
    if not samples.heads:
        asked = asked_for(where, metrics, loss, samples.outputs)
        check_all(where, asked, loss, samples)
        return asked
    names, found = tuple(head.name for head in samples.heads), []
    given: list[Any] = [None] * len(names)
    if metrics is not None:
        given = checks.each_head(where, "metrics", metrics, names, True)
    for j, (head, of_head) in enumerate(zip(samples.heads, given, strict=True)):
        asked = asked_for(f"{where}: {head.name}", of_head, head.loss, head.samples.outputs)
        found += [one._replace(name=f"{head.name}_{one.name}", head=j) for one in asked]
    check_all(where, found, loss, samples)
    return found


def check_all(
    where: str, measures: list[Measure], loss: Loss, samples: Samples, name: str = "t"
) -> None:
    """Check the targets of samples, of each output where there are several."""
    for j, head in enumerate(samples.heads):
        own = [measure for measure in measures if measure.head == j]
        check_answers(f"{where}: {head.name}", own, head.loss, head.samples.targets[1], name)
    if not samples.heads:
        check_answers(where, measures, loss, samples.targets[1], name)


def check_answers(
    where: str, measures: list[Measure], loss: Loss, targets: NDArray[Any], name: str = "t"
) -> None:
    """Check that the targets of a loss of numbers are classes, where they are judged as such."""
    if loss.default_metrics or loss.takes_labels or not measures:
        return
    for measure in measures:
        if measure.kind in ("numbers", "own", "function"):
            continue
        good = ((targets == 0) | (targets == 1)).all(axis=1)
        rule = "be 0 or 1"
        if measure.kind != "labels" and targets.shape[1] > 1:
            good &= targets.sum(axis=1) == 1
            rule = "be one-hot, a single 1 and zeros in each row,"
        if not good.all():
            i = int(np.flatnonzero(~good)[0])
            shown = np.array2string(targets[i], threshold=10, max_line_width=1000)
            raise ValueError(
                f"{where}: {name} must {rule} for the metric {measure.name!r}, got "
                f"{name}[{i}]={shown}. Leave it out where {name} are numbers: 'mae' and 'r2' are "
                "theirs."
            )


def are_later(measures: list[Measure]) -> bool:
    """Tell whether any is computed from predictions."""
    for measure in measures:
        if measure.kind != "counted":
            return True
    return False


def answer_count(loss: Loss, samples: int, outputs: int) -> int:
    """Return how many answers the loop counts."""
    return samples if loss.yes_above is None else samples * outputs


def is_flat(loss: Loss, t: ArrayLike, outputs: int) -> bool:
    """Tell whether the targets of one output are (N,), as its predictions are then."""
    return outputs == 1 and not loss.takes_labels and np.ndim(t) == 1
