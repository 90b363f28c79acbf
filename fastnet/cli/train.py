"""`fastnet train`: a network on a table, on images, or on handwritten digits."""

from __future__ import annotations

import argparse
import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnet.cli.messages import BadInput, print_json, refuse, say, show
from fastnet.cli.recipes import FOLDERS, RECIPES, TABLE

if TYPE_CHECKING:
    from fastnet.cli.data import Data
    from fastnet.models import History, Sequential


DIVERGED = 2  # times the loss of guessing, and of the untrained network: at --lr 10 it is 1.1


def run_train(options: argparse.Namespace) -> int:
    """Train as the options say; return the exit status."""
    if options.path is not None and options.data is not None:
        raise BadInput(
            f"--data must stand alone, got DATA {options.path!r} beside it. Leave one out."
        )
    options.data = options.path if options.data is None else options.data

    from fastnet.cli import choices
    from fastnet.cli import results as at_end
    from fastnet.cli.data import kind_of, training_data

    kind = kind_of(options.data)
    if kind == "table" and options.model != "dense":
        raise BadInput(f"--model must be dense for a table, got {options.model!r}. Leave it out.")
    recipe = RECIPES[options.model]
    if options.model == "dense":
        recipe = {"table": TABLE, "folders": FOLDERS}.get(kind, recipe)
    choices.fill_in(options, recipe)
    choices.check_names(options)
    if options.out is not None:  # before training: nobody waits for a model that cannot be kept
        at_end.prepare(Path(options.out))
    data = training_data(options)
    choices.choose_loss(options, data.pipeline)
    model = _network(options, data, kind)
    steps = -(-len(data.train[0]) // options.batch_size)
    optimizer = choices.make_optimizer(options, steps)
    if not options.quiet:
        _show_head(options, data, model)
    history = _fit(options, data, model, optimizer)
    stopped = history.interrupted

    # Written before anything is printed: a reader that went away (| head) costs no model.
    results = _results(model, history, data)
    if options.early_stopping is not None and history.loss:
        results["best_epoch"] = _kept_epoch(options, history) + 1
    written: list[Path] = []
    failed = False
    if options.out is not None:
        record = {"results": results, "settings": _settings(options, data)}
        written, failed = at_end.write(model, history, record, options.out, data.held_name)
    if stopped:
        done = f"interrupted after {len(history.loss)} of {options.epochs} epochs"
        if options.out is None:
            written, kept = at_end.keep(model)
        else:
            kept = "kept" if Path(options.out, at_end.MODEL) in written else "lost"
        say(f"{done}; what was learnt is {kept}")
    sizes = {name: len(pair[0]) for name, pair in _judged_parts(data).items()}
    at_end.show_results(options, data.pipeline, results, history, sizes)
    if not options.quiet and kind in ("digits", "mnist"):
        _draw(options, data, model)
    for path in written:
        show(options, f"wrote {path}")
    if options.json:
        print_json({**results, "wrote": [str(path) for path in written]})
    return 130 if stopped else int(failed)


def _network(options: argparse.Namespace, data: Data, kind: str) -> Sequential:
    from fastnet.cli.network import make_network

    std = options.weight_init_std
    if std is None and options.model == "simple-conv" and kind == "mnist":
        std = 0.01  # the textbook's: 0.9883 of MNIST's test after 20 epochs, with He's 0.9877
    try:
        return make_network(options, data.pipeline, data.train[0].shape[1], std)
    except MemoryError:
        raise BadInput(
            f"--hidden must fit in memory, got {options.hidden}. Give fewer units."
        ) from None
    except ValueError as error:
        raise BadInput(error) from None


def _show_head(options: argparse.Namespace, data: Data, model: Sequential) -> None:
    from fastnet.cli.network import FILTERS, WINDOW

    n_in, n_out = data.train[0].shape[1], len(data.pipeline.labels) or 1
    first = "" if options.model == "dense" else f"{FILTERS} filters of {WINDOW}x{WINDOW}, "
    shape = first + "-".join(str(n) for n in (n_in, *options.hidden, n_out))
    what = "images" if data.pipeline.kind == "images" else "rows"
    holds = "to test" if data.held_name == "test" else "to validate"
    more = f", {len(data.test[0]):,} to test" if data.test is not None else ""
    dropout = f", dropout {options.dropout:g}" if options.dropout is not None else ""
    loss = "" if options.loss.name.startswith("softmax_cross") else f", {options.loss}"
    schedule = "" if options.schedule is None else f" ({options.schedule})"
    lines = [
        f"data      {data.name}, {len(data.train[0]):,} {what} to learn from, "
        f"{len(data.held_out[0]):,} {holds}{more}",
        *data.facts,
        f"network   {shape}, {options.activation}{dropout}, {options.dtype}, "
        f"{model.parameter_count:,} parameters{loss}",
        f"training  {options.epochs} epochs of {options.optimizer}, learning rate "
        f"{options.lr:g}{schedule}, batches of {options.batch_size}, seed {options.seed}\n",
    ]
    show(options, "\n".join(lines))


def _fit(options: argparse.Namespace, data: Data, model: Sequential, optimizer: Any) -> History:
    """Train; a run that diverged ends with status 1."""
    from fastnet.cli.network import targets_of
    from fastnet.cli.parts import losses

    pipeline, loss = data.pipeline, losses()[model.loss]
    t, held_t = (targets_of(model, pipeline, pair[1]) for pair in (data.train, data.held_out))
    metrics = ["accuracy"] if pipeline.task == "classification" and not loss.yes_above else []
    callbacks = [] if options.early_stopping is None else [_stopping(options)]
    try:
        before = model.evaluate(data.train[0], t, metrics=[])["loss"]
        history = model.fit(
            data.train[0],
            t,
            epochs=options.epochs,
            batch_size=options.batch_size,
            optimizer=optimizer,
            validation_data=(data.held_out[0], held_t),
            verbose=0 if options.quiet else 1,
            metrics=metrics,
            callbacks=callbacks,
        )
    except FloatingPointError as error:  # the loss is no longer finite
        refuse(error, status=1)
    except ValueError as error:  # --lr is more than --dtype can hold; no rates for a loss of rates
        raise BadInput(error) from None
    guess = math.log(len(pipeline.labels)) if loss.takes_labels else 0.5
    kept = _kept_epoch(options, history)
    if not history.interrupted and history.loss[kept] > DIVERGED * max(before, guess):
        refuse(
            f"training diverged: after {len(history.loss)} epochs the loss is "
            f"{history.loss[kept]:.4g}, before them it was {before:.4g}. Lower --lr, which is "
            f"{options.lr:g}.",
            status=1,
        )
    return history


def _stopping(options: argparse.Namespace) -> Any:
    from fastnet.callbacks import EarlyStopping

    return EarlyStopping(patience=options.early_stopping, restore_best_weights=True)


def _kept_epoch(options: argparse.Namespace, history: History) -> int:
    """Return the place of the epoch whose weights the network has: the last one, or the best."""
    if options.early_stopping is None or not history.loss:
        return -1
    from fastnet.cli.results import best_epoch

    return best_epoch(history.val_loss)


def _judged_parts(data: Data) -> dict[str, Any]:
    """Return the parts of the data by name, the held out first."""
    test = {} if data.test is None else {"test": data.test}
    return {data.held_name: data.held_out, **test, "train": data.train}


def _results(model: Sequential, history: History, data: Data) -> dict[str, Any]:
    """Return what --json prints."""
    from fastnet.cli.network import judged

    names = ["accuracy"] if data.pipeline.task == "classification" else ["rmse", "mae", "r2"]
    found: dict[str, float] = {}
    for part, (x, t) in _judged_parts(data).items():
        scores = judged(model, data.pipeline, x, t, names)
        found |= {f"{part}_{name}": scores[name] for name in names}
    seconds = float(sum(history.seconds))  # of the training loops alone
    seen = len(history.loss) * len(data.train[0])
    return {
        **found,
        "epochs": len(history.loss),
        "seconds": seconds,
        "samples_per_second": seen / seconds if seconds > 0 else 0.0,
        "parameters": int(model.parameter_count),
    }


def _settings(options: argparse.Namespace, data: Data) -> dict[str, Any]:
    """Return what history.json says of how a network was trained."""
    names = "model hidden activation dropout batch_size epochs early_stopping seed dtype".split()
    found = {name: getattr(options, name) for name in names}
    return {
        "data": data.name,
        "task": data.pipeline.task,
        **found,
        "loss": str(options.loss),
        "optimizer": str(options.optimizer),
        "lr": options.lr,
        "schedule": None if options.schedule is None else str(options.schedule),
    }


def _draw(options: argparse.Namespace, data: Data, model: Sequential) -> None:
    """Draw a few digits with what the network says of them, where it says probabilities."""
    from fastnet.cli import results
    from fastnet.cli.network import answers_of, probabilities
    from fastnet.plot import draw_digits

    x, t = data.test or data.held_out
    y, _ = answers_of(model, data.pipeline, x)
    try:
        proba = probabilities(model, y)
    except BadInput:
        return
    width = shutil.get_terminal_size().columns
    show(options, "\n" + draw_digits(x, t, proba, width, blocks=results.blocks_can_be_shown()))
