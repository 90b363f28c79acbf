"""`fastnet compare`: saved models side by side, on the same data or by their trainings."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from fastnet.cli.messages import BadInput, print_json, say, table

SECONDS = 0.3  # of predictions a model, of which the fastest round counts


def run_compare(options: argparse.Namespace) -> int:
    """Print a row a model; return the exit status."""
    if len(options.runs) < 2:
        raise BadInput(f"RUN must be two models or more, got {len(options.runs)}. Name another.")
    found = _by_data(options) if options.data is not None else _by_training(options)
    if options.json:
        print_json({"models": found})
        return 0
    names = list(dict.fromkeys(name for one in found for name in one))
    head = [name.replace("_", " ") for name in names]
    print(table(head, [[_cell(one.get(name)) for name in names] for one in found]))
    return 0


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1e5 else f"{value:.5g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _by_data(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the metrics of each on the same data, its size, and how fast it predicts."""
    from fastnet.cli import data, network, saved

    loaded = [(run, *saved.load(run, "RUN")) for run in options.runs]
    tasks = {pipeline.task for _, _, pipeline in loaded}
    if len(tasks) > 1:
        raise BadInput(
            "RUN must be models of one task, got classification and regression. Compare those of "
            "one."
        )
    rows = []
    for run, model, pipeline in loaded:
        notes: list[str] = []
        x, t = data.answered_data(pipeline, options.data, str(model.dtype), options, notes)
        for note in notes:
            say(f"note: {run}: {note}", "compare")
        names = network.metric_names(pipeline, options.metrics) if options.metrics else None
        scores = network.judged(model, pipeline, x, t, names)
        rows.append(
            {
                "model": run,
                **scores,
                "parameters": int(model.parameter_count),
                "bytes": Path(saved.model_file(run)).stat().st_size,
                "rows_per_second": len(x) / _seconds(model, x),
            }
        )
    return rows


def _seconds(model: Any, x: Any) -> float:
    """Return the least time of a prediction of all rows, in rounds that take a moment together."""
    fastest, end = float("inf"), time.perf_counter() + SECONDS
    while True:
        start = time.perf_counter()
        model.predict(x)
        now = time.perf_counter()
        fastest = min(fastest, now - start)
        if now > end:
            return fastest


def _by_training(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what history.json of each says: the results, and the best epoch."""
    from fastnet.cli import saved
    from fastnet.cli.results import best_epoch

    rows = []
    for run in options.runs:
        record = saved.record(run)
        if record is None:
            raise BadInput(
                f"RUN must be a folder that fastnet train --out made, got {run!r} without "
                f"{saved.HISTORY}. Give --data, to compare the models on data."
            )
        history = record["history"]
        row: dict[str, Any] = {"model": run, **record["results"]}
        held_out = history.get("val_loss")
        if held_out:
            best = best_epoch(held_out)
            row |= {"best_val_loss": held_out[best], "best_epoch": best + 1}
        rows.append(row)
    return rows
