"""The parts of a training by name: optimizers, losses, activations, schedules, from the code."""

from __future__ import annotations

import inspect
from typing import Any

from fastnet.cli.messages import BadInput, listed, near
from fastnet.cli.parser import Part

# Those for which a target that is shifted and scaled is another: it goes in as it is.
OF_PLAIN_NUMBERS = {
    "poisson",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "cosine_proximity",
}


def optimizers() -> dict[str, Any]:
    """Return the optimizers by their names in lower case."""
    import fastnet.optimizer as module

    found = [getattr(module, name) for name in module.__all__]
    return {
        kind.__name__.lower(): kind
        for kind in found
        if isinstance(kind, type) and kind is not module.Optimizer
    }


def losses(task: str | None = None) -> dict[str, Any]:
    """Return the losses by name; those of a task, "classification" or "regression"."""
    from fastnet.losses import LOSSES

    of_classes = {name: "accuracy" in kind.metrics for name, kind in LOSSES.items()}
    return {
        name: kind
        for name, kind in LOSSES.items()
        if task is None
        or (task == "classification" and of_classes[name])
        or (task == "regression" and not kind.takes_labels and not kind.default_metrics)
    }


def activations() -> dict[str, Any]:
    """Return the activations of hidden layers by name."""
    from fastnet.layers import ACTIVATIONS

    return {name: kind for name, kind in ACTIVATIONS.items() if name != "step"}


def schedules() -> dict[str, Any]:
    """Return the schedules by name: of CosineDecay it is "cosine"."""
    from fastnet import schedules as module

    kinds = [getattr(module, name) for name in module.__all__ if name.endswith("Decay")]
    return {kind.__name__.removesuffix("Decay").lower(): kind for kind in kinds}


def numbers_of(kind: Any) -> dict[str, Any]:
    """Return the numbers that a constructor takes, with their defaults."""
    found = inspect.signature(kind).parameters.values()
    return {one.name: one.default for one in found if one.kind is not one.VAR_KEYWORD}


def known(option: str, part: Part, kinds: dict[str, Any], without: tuple[str, ...] = ()) -> Any:
    """Return the class that a part names, which takes the numbers that are given with it."""
    kind = kinds.get(part.name)
    if kind is None:
        raise BadInput(
            f"{option} must be one of {', '.join(kinds)}, got {part.name!r}. "
            f"{near(part.name, list(kinds))}"
        )
    taken = [name for name in numbers_of(kind) if name not in without]
    for name in part.given:
        if name not in taken:
            advice = f"It has {listed(taken)}." if taken else "It has none: leave it out."
            raise BadInput(
                f"{option} {part.name} must have numbers of its own, got {name!r}. {advice}"
            )
    return kind


def made(option: str, part: Part, kind: Any, **more: Any) -> Any:
    """Return the object of a part, whose numbers are in their ranges."""
    try:
        return kind(**{**more, **part.given})
    except (TypeError, ValueError) as error:
        raise BadInput(f"{option} {part}: {error}") from None


def lists() -> str:
    """Return what the help of `fastnet train` ends with: every name, and its numbers."""
    blocks = []
    for title, kinds in (
        ("optimizers, --optimizer NAME[:number=value,...]:", optimizers()),
        ("losses, --loss NAME[:number=value,...]:", losses()),
        ("schedules of the learning rate, --schedule NAME[:number=value,...]:", schedules()),
    ):
        lines, width = [title], max(map(len, kinds))
        for name, kind in kinds.items():
            shown = " ".join(
                f"{key}={value!r}".replace("=None", "=none")
                for key, value in _numbers_shown(title, kind).items()
            )
            lines.append(f"  {name:{width}}  {shown}".rstrip())
        blocks.append("\n".join(lines))
    blocks.append(f"activations, --activation NAME:\n  {', '.join(activations())}")
    return "\n\n".join(blocks)


def _numbers_shown(title: str, kind: Any) -> dict[str, Any]:
    found = numbers_of(kind)
    if title.startswith("schedules"):  # in epochs here, and the learning rate is --lr
        found = {n: "EPOCHS" if n in ("every", "steps") else v for n, v in found.items()}
        del found["lr"]
    return {
        name: _Plain(value) if isinstance(value, str) else value for name, value in found.items()
    }


class _Plain(str):
    def __repr__(self) -> str:
        """Without quotation marks."""
        return str(self)


def last_activation(loss: Any) -> str | None:
    """Return the activation of the last layer that makes what a loss takes."""
    taken = loss.outputs
    infinity = float("inf")
    for name, low, high, adds_up in (
        (None, -infinity, infinity, False),
        ("softplus", 0.0, infinity, False),
        ("sigmoid", 0.0, 1.0, False),
    ):
        if taken is None or taken.suits(low, high, adds_up):
            return name
    return "softmax"
