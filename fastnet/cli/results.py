"""What a training ends with: a table, lines, and files."""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnet.cli.messages import refuse, say, show, without_nan
from fastnet.cli.pipeline import Pipeline

if TYPE_CHECKING:
    from fastnet.models import History, Sequential

MODEL, CURVES, HISTORY = "model.safetensors", "learning_curves.png", "history.json"
INTERRUPTED = "interrupted{}.safetensors"
LINES = 30  # of the table of epochs, at most


def best_epoch(losses: list[float]) -> int:
    """Return the place of the least loss, the first of equal ones; NaN is no loss."""
    shown = [float("inf") if loss != loss else loss for loss in losses]
    return min(range(len(shown)), key=shown.__getitem__)


def prepare(out: Path) -> None:
    """Make the folder for the results and see that files can be written into it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()  # without a name, on Linux
    except OSError as error:
        refuse(
            f"--out must be a folder that can be written, got {str(out)!r} "
            f"({error.strerror}). Give another folder."
        )
    for name in (MODEL, CURVES, HISTORY):
        if (out / name).is_dir():
            refuse(
                f"--out must have a place for the file {name}, got the folder "
                f"{str(out / name)!r}. Give another folder."
            )


def write(
    model: Sequential, history: History, record: dict[str, Any], out: str, held_name: str
) -> tuple[list[Path], bool]:
    """Write the model, its record and its learning curves.

    Return what was written, and whether a write failed.
    """
    from fastnet.plot import save_learning_curves

    written, failed = [], False
    results: dict[str, Callable[[Path], object]] = {MODEL: model.save}
    results[HISTORY] = partial(_write_record, {"history": history.to_dict(), **record})
    if history.loss:  # at least one epoch
        results[CURVES] = partial(save_learning_curves, history, held_out=held_name)
    for name, write_one in results.items():
        path = Path(out, name)
        try:
            write_one(path)
            written.append(path)
        except ImportError as error:
            say(
                f"{name} was not written, because matplotlib cannot be imported "
                f"({error.__cause__}). Run pip install matplotlib."
            )
        except OSError as error:  # a full disk, a folder taken away
            failed = True
            say(f"{str(path)!r} was not written: {error}")
    return written, failed


def _write_record(record: dict[str, Any], path: Path) -> None:
    path.write_text(
        json.dumps(without_nan(record), indent=1, allow_nan=False) + "\n", encoding="utf-8"
    )


def keep(model: Sequential) -> tuple[list[Path], str]:
    """Write a model for which no place was named into the working folder, under a new name.

    Return what was written, and what there is to say.
    """
    path, number = Path(INTERRUPTED.format("")), 1
    while path.exists():
        number += 1
        path = Path(INTERRUPTED.format(f"-{number}"))
    try:
        model.save(path)
    except OSError as error:
        reason = error.strerror or error
        return [], f"lost: {str(path)!r} was not written ({reason}). Give --out"
    return [path], f"kept in {str(path)!r}, as no --out was given"


def three_digits(seconds: float) -> str:
    """Return seconds as text: three digits count, and there is no exponent."""
    behind = 2 - math.floor(math.log10(max(seconds, 1e-9)))
    return f"{seconds:,.{max(0, behind)}f}"


def show_results(
    options: argparse.Namespace,
    pipeline: Pipeline,
    results: dict[str, Any],
    history: History,
    parts: dict[str, int],
) -> None:
    """Print the epochs, unless that is unwanted, and the results of each part of the data."""
    if not options.quiet:
        show(options, _epochs(history, next(iter(parts))) + "\n")
    trained = "no epoch of training was completed"
    if history.loss:
        trained = (
            f"{three_digits(results['seconds'])} s of training, "
            f"{results['samples_per_second']:,.0f} samples a second"
        )
    told = []
    for part, count in parts.items():
        name = "training" if part == "train" else part
        if pipeline.task == "classification":
            share = results[f"{part}_accuracy"]
            of = f" ({round(share * count):,} of {count:,})" if part != "train" else ""
            told.append(f"{name} accuracy {share:.4f}{of}")
        else:
            told.append(
                f"{name} rmse {results[f'{part}_rmse']:.4g}, r2 {results[f'{part}_r2']:.4f}"
            )
    if "best_epoch" in results:
        trained += f"; the weights are those of epoch {results['best_epoch']}, the best"
    mark = ", " if pipeline.task == "classification" else "; "
    show(options, f"{mark.join(told)}\n{trained}")


def _epochs(history: History, held: str) -> str:
    columns = history.to_dict()
    names = {name: name.replace("val_", f"{held} ") for name in columns}
    order = sorted(names, key=lambda name: (name == "seconds", name.startswith("val_")))
    widths = {name: max(8, len(names[name]) + 1) for name in order}
    lines = ["epoch " + " ".join(names[name].rjust(widths[name]) for name in order)]
    count = len(history.loss)
    every = -(-count // LINES)
    for epoch in range(1, count + 1):
        if epoch % every == 0 or epoch in (1, count):
            cells = [f"{columns[name][epoch - 1]:{widths[name]}.4f}" for name in order]
            lines.append(f"{epoch:5} " + " ".join(cells))
    return "\n".join(lines)


def blocks_can_be_shown() -> bool:
    """Return whether the encoding of stdout has the characters that draw_digits likes best."""
    from fastnet.plot import BLOCKS

    try:
        BLOCKS.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
