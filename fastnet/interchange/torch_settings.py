"""What modules of PyTorch may be set to, so that a layer computes the same."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastnet import checks

BEHIND_ZEROS = {"Conv1d", "Conv2d", "MaxPool2d"}
IMAGES, SEQUENCES, NUMBERS = "images", "sequences", "numbers"
# How PyTorch may name the axis of the features.
AXES: dict[str, tuple[Any, ...]] = {SEQUENCES: (-1, 2), NUMBERS: (-1, 1, None)}


def kind_of(module: Any) -> str:
    """Return the class of a module by name: with its place, if it is a user's own."""
    kind = type(module)
    if kind.__module__.partition(".")[0] in ("torch", "fastnet"):
        return kind.__name__
    return f"{kind.__module__}.{kind.__name__}"


def check_settings(where: str, place: str, module: Any, behind: Any, found: Any) -> None:
    """Check what a layer has no counterpart of, where nothing else comes by it.

    `found` are the layers before it.
    """
    same, kind = partial(checks.same_as_here, where, place), kind_of(module)
    for name in ("_forward_hooks", "_forward_pre_hooks"):
        same(name, dict(getattr(module, name)), {})
    if kind == "Softplus":
        same("beta", module.beta, 1.0)
        same("threshold", min(module.threshold, 20.0), 20.0)
    elif kind == "AvgPool2d":
        same("divisor_override", module.divisor_override, None)
    elif kind == "Embedding":
        same("max_norm", module.max_norm, None)
    elif kind == "Flatten":
        same("end_dim", module.end_dim, -1)
    elif kind == "Softmax":
        what = _before(found.made, found.first, found.shape)
        if what == IMAGES:
            raise ValueError(
                f"{where}: {place} must be a Softmax of numbers in a row, got one of images. "
                "Flatten them first."
            )
        axes = (1, -2) if what == SEQUENCES and found.first else AXES[what]
        same("dim", module.dim if module.dim not in axes else axes[0], axes[0])
    elif kind.startswith(("ConstantPad", "ZeroPad")):
        after = "nothing" if behind is None else kind_of(behind)
        if after not in BEHIND_ZEROS or _pads(behind.padding):
            raise ValueError(
                f"{where}: {place} must stand before one of {', '.join(sorted(BEHIND_ZEROS))} "
                f"without a padding of its own, got {after} behind it. Move it there, or add the "
                "two paddings."
            )


def _pads(padding: Any) -> bool:
    """Tell whether a convolution or pooling pads."""
    if isinstance(padding, str):
        return padding != "valid"
    return any(padding) if isinstance(padding, tuple) else bool(padding)


def _before(made: list[Any], first: bool, shape: Any) -> str:
    """Return what layers give: images, sequences, or numbers in a row."""
    for layer in reversed(made):
        kind = type(layer).__name__
        if kind in ("Flatten", "GlobalAveragePooling2D", "Branches"):
            return NUMBERS
        if kind in ("Conv2D", "MaxPooling2D", "AveragePooling2D"):
            return IMAGES
        if kind in ("Conv1D", "Embedding"):
            return SEQUENCES
        if hasattr(layer, "return_sequences"):
            return SEQUENCES if layer.return_sequences else NUMBERS
        if kind == "Reshape":
            return (NUMBERS, SEQUENCES, IMAGES)[len(layer.target_shape) - 1]
    axes = len(shape) if shape is not None else 3 if first else 1
    return (NUMBERS, SEQUENCES, IMAGES)[axes - 1]
