"""`fastnet predict`: what a saved model says of raw rows or images."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

from fastnet.cli.messages import BadInput, print_json, say


def run_predict(options: argparse.Namespace) -> int:
    """Print a prediction a row, as CSV or JSON; return the exit status."""
    from fastnet.cli import data, network, saved

    model, pipeline = saved.load(options.model)
    if options.proba and pipeline.task == "regression":
        raise BadInput("--proba must go with classes, got a regression. Leave it out.")
    notes: list[str] = []
    x, names = data.asked_data(pipeline, options.path, str(model.dtype), options, notes)
    for note in notes:
        say(f"note: {note}", "predict")
    y, answers = network.answers_of(model, pipeline, x)
    found: list[Any]
    if pipeline.task == "classification":
        found = [pipeline.labels[answer] for answer in answers.tolist()]
    else:  # as many digits as the model's dtype has
        found = [float(str(answer)) for answer in answers.astype(model.dtype)]
    proba = network.probabilities(model, y) if options.proba else None
    if options.json and options.out is None:
        shown: dict[str, Any] = {"predictions": found}
        if names is not None:
            shown["files"] = list(names)
        if proba is not None:
            shown |= {"labels": pipeline.labels, "probabilities": proba.tolist()}
        print_json(shown)
        return 0
    head, columns = ["prediction"], [found]
    if names is not None:
        head, columns = ["file", *head], [list(names), *columns]
    if proba is not None:
        head += [f"probability of {label}" for label in pipeline.labels]
        columns += [[f"{value:.6g}" for value in column] for column in proba.T.tolist()]
    rows = [head, *zip(*columns, strict=True)]
    if options.out is None:
        csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
        return 0
    try:
        with Path(options.out).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
    except OSError as error:
        raise BadInput(
            f"--out must be a file that can be written, got {options.out!r} ({error.strerror}). "
            "Give another."
        ) from None
    say(f"wrote {len(found):,} predictions to {options.out}", "predict")
    if options.json:
        print_json({"rows": len(found), "wrote": [options.out]})
    return 0
