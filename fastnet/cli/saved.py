"""Saved models as commands take them: a file, or the folder that `fastnet train --out` made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnet.cli.messages import BadInput, told
from fastnet.cli.pipeline import Pipeline, read_pipeline
from fastnet.cli.results import HISTORY, MODEL

if TYPE_CHECKING:
    from fastnet.models import Sequential


def model_file(path: str) -> str:
    """Return the file of a model: of a folder, the one in it."""
    return str(Path(path, MODEL)) if Path(path).is_dir() else path


def load(path: str, argument: str = "--model") -> tuple[Sequential, Pipeline]:
    """Return a saved model, and what was made of its data; argument is what gave its path."""
    from fastnet.models import Sequential

    file = model_file(path)
    try:
        model = Sequential.load(file)
        described = (model.metadata or {}).get("pipeline")
        pipeline = None if described is None else read_pipeline(described)
    except (OSError, ValueError) as error:
        raise told(error, "load_model", argument) from None
    if pipeline is None:
        raise BadInput(
            f"the model must say what its data are, got none of that in {file!r}, which no "
            "fastnet train wrote. Use fastnet.models.Sequential.load."
        )
    outputs = len(pipeline.labels) if pipeline.task == "classification" else 1
    if model.layers[-1].params and model.layers[-1].params[-1].shape[-1] != outputs:
        raise BadInput(f"the model must have {outputs} outputs, as its pipeline, got others.")
    return model, pipeline


def description(path: str) -> tuple[dict[str, Any], dict[str, tuple[str, tuple[int, ...]]], int]:
    """Return what a file says of its model, its arrays' dtypes and shapes, and its size in bytes.

    Numba is not imported, nor is an array read.
    """
    from fastnet import weights_file

    file = model_file(path)
    try:
        with weights_file.opened("inspect", file) as (described, opened):
            views = {name: opened.get_slice(name) for name in opened.keys()}
            arrays = {
                name: (view.get_dtype(), tuple(view.get_shape())) for name, view in views.items()
            }
    except (OSError, ValueError) as error:
        raise told(error, "inspect", "FILE") from None
    return described, arrays, Path(file).stat().st_size


def record(path: str) -> dict[str, Any] | None:
    """Return what history.json in a run's folder says; None where there is none."""
    file = Path(path, HISTORY) if Path(path).is_dir() else Path(path).with_name(HISTORY)
    if not file.is_file():
        return None
    try:
        found = json.loads(file.read_text("utf-8"))
        columns = {
            str(name): [float("nan") if one is None else float(one) for one in values]
            for name, values in found["history"].items()
        }
        return {"results": dict(found["results"]), "history": columns}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{HISTORY} must be one that fastnet train wrote, got {str(file)!r}: {error}. "
            "Remove it."
        ) from None
