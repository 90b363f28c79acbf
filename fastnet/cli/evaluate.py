"""`fastnet evaluate`: how right a saved model is on data that has the answers."""

from __future__ import annotations

import argparse

import fastnet.cli.messages as messages


def run_evaluate(options: argparse.Namespace) -> int:
    """Print the metrics of a saved model; return the exit status."""
    from fastnet.cli import data, network, saved

    model, pipeline = saved.load(options.model)
    names = network.metric_names(pipeline, options.metrics) if options.metrics else None
    notes: list[str] = []
    x, t = data.answered_data(pipeline, options.path, str(model.dtype), options, notes)
    for note in notes:
        messages.say(f"note: {note}", "evaluate")
    scores = network.judged(model, pipeline, x, t, names)
    if options.json:
        messages.print_json({**scores, "rows": len(x), "task": pipeline.task})
        return 0
    rows = [[name, f"{value:.6g}"] for name, value in scores.items()]
    print(f"{len(x):,} {'images' if pipeline.kind == 'images' else 'rows'}, {pipeline.task}")
    print("\n".join(f"{name:10} {value:>10}" for name, value in rows))
    return 0
