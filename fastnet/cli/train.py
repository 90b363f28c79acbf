"""`fastnet train`: a network on handwritten digits."""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fastnet.cli.messages import refuse, say

if TYPE_CHECKING:
    from fastnet.datasets import Pair
    from fastnet.models import History, Sequential

MODEL, CURVES = "model.safetensors", "learning_curves.png"
INTERRUPTED = "interrupted{}.safetensors"
FILTERS, WINDOW = 30, 5  # of simple-conv


class Recipe(NamedTuple):
    """What a model is trained with where the options say nothing else."""

    hidden: str
    optimizer: str
    lr: float
    batch_size: int
    epochs: int


RECIPES = {
    "dense": Recipe("50", "sgd", 0.2, 32, 30),
    "simple-conv": Recipe("100", "adam", 0.001, 100, 20),  # the textbook's, section 7.5
}
DIVERGED = 2  # times the loss of guessing, and of the untrained network: at --lr 10 it is 1.1


def run_train(options: argparse.Namespace) -> int:
    """Train as the options say; return the exit status."""
    for name, value in RECIPES[options.model]._asdict().items():
        if getattr(options, name) is None:
            given = [int(n) for n in value.split(",")] if name == "hidden" else value
            setattr(options, name, given)
    if options.out is not None:
        _prepare(Path(options.out))  # before training: nobody waits for a model that cannot be kept

    from fastnet.datasets import load_digits, load_mnist
    from fastnet.optimizer import SGD, Adam
    from fastnet.plot import draw_digits

    try:
        name, top, data = (
            ("digits", 16, load_digits())
            if options.data is None
            else ("MNIST", 255, load_mnist(options.data))
        )
        (x_train, t_train), test = data
        model = _network(options, x_train.shape[1], top)
    except MemoryError:
        refuse(f"--hidden must fit in memory, got {options.hidden}. Give fewer units.")
    except (OSError, ValueError) as error:
        refuse(error)

    if not options.quiet:
        first = "" if options.model == "dense" else f"{FILTERS} filters of {WINDOW}x{WINDOW}, "
        sizes = first + "-".join(str(n) for n in (x_train.shape[1], *options.hidden, 10))
        print(
            f"data      {name}, {len(x_train):,} images to learn from, {len(test[0]):,} to test\n"
            f"network   {sizes}, {options.activation}, {options.dtype}, "
            f"{model.parameter_count:,} parameters\n"
            f"training  {options.epochs} epochs of {options.optimizer}, learning rate "
            f"{options.lr:g}, batches of {options.batch_size}, seed {options.seed}\n",
            flush=True,
        )
    before = model.evaluate(x_train, t_train)["loss"]
    try:
        history = model.fit(
            x_train,
            t_train,
            epochs=options.epochs,
            batch_size=options.batch_size,
            optimizer={"sgd": SGD, "adam": Adam}[options.optimizer](lr=options.lr),
            validation_data=test,
            verbose=0 if options.quiet else 1,
        )
    except FloatingPointError as error:  # the loss is no longer finite
        refuse(error, status=1)
    except ValueError as error:  # --lr is more than --dtype can hold
        refuse(error)
    stopped = history.interrupted
    if not stopped and history.loss[-1] > DIVERGED * max(before, math.log(10)):
        refuse(
            f"training diverged: after {len(history.loss)} epochs the loss is "
            f"{history.loss[-1]:.4g}, before them it was {before:.4g}. Lower --lr, which is "
            f"{options.lr:g}.",
            status=1,
        )

    # Written before anything is printed: a reader that went away (| head) costs no model.
    written, failed = ([], False) if options.out is None else _write(model, history, options.out)
    if stopped:
        done = f"interrupted after {len(history.loss)} of {options.epochs} epochs"
        if options.out is None:
            written, kept = _keep(model)
        else:
            kept = "kept" if Path(options.out, MODEL) in written else "lost"
        say(f"{done}; what was learnt is {kept}")
    results = _results(model, history, *data)
    _print_results(results, history, len(test[0]), table=not options.quiet)
    if not options.quiet:
        width = shutil.get_terminal_size().columns
        proba = model.predict_proba(test[0])
        print("\n" + draw_digits(*test, proba, width, blocks=blocks_can_be_shown()))
    for path in written:
        print(f"wrote {path}")
    if options.json:
        print(json.dumps(results))
    sys.stdout.flush()  # here, where main can answer for a broken pipe
    return 130 if stopped else int(failed)


def _network(options: argparse.Namespace, n_in: int, top: int) -> Sequential:
    """Return a network of pixels from 0 to `top`, which it brings to 0..1 itself."""
    from fastnet.layers import Conv2D, Dense, Flatten, MaxPooling2D, Rescaling, Reshape
    from fastnet.models import Sequential

    std, side = options.weight_init_std, math.isqrt(n_in)
    if std is None and options.model == "simple-conv" and options.data is not None:
        std = 0.01  # the textbook's: 0.9883 of MNIST's test after 20 epochs, with He's 0.9877
    layers: list[Any] = [Rescaling(1 / top)]
    if options.model == "simple-conv":
        layers += [
            Reshape((side, side, 1)),
            Conv2D(FILTERS, WINDOW, activation=options.activation, weight_init_std=std),
            MaxPooling2D(2),
            Flatten(),
        ]
    layers += [Dense(n, options.activation, weight_init_std=std) for n in options.hidden]
    layers.append(Dense(10, weight_init_std=std))
    model = Sequential(layers, dtype=options.dtype, seed=options.seed)
    model.build(n_in)
    return model


def _prepare(out: Path) -> None:
    """Make the folder for the results and see that files can be written into it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()  # without a name, on Linux
    except OSError as error:
        refuse(
            f"--out must be a folder that can be written, got {str(out)!r} "
            f"({error.strerror}). Give another folder."
        )
    for name in (MODEL, CURVES):
        if (out / name).is_dir():
            refuse(
                f"--out must have a place for the file {name}, got the folder "
                f"{str(out / name)!r}. Give another folder."
            )


def _write(model: Sequential, history: History, out: str) -> tuple[list[Path], bool]:
    """Write the model and its learning curves; return what was written, and if a write failed."""
    from fastnet.plot import save_learning_curves

    written, failed = [], False
    results: dict[str, Callable[[Path], None]] = {MODEL: model.save}
    if history.loss:  # at least one epoch
        results[CURVES] = partial(save_learning_curves, history, held_out="test")
    for name, write in results.items():
        path = Path(out, name)
        try:
            write(path)
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


def _keep(model: Sequential) -> tuple[list[Path], str]:
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


def _results(model: Sequential, history: History, train: Pair, test: Pair) -> dict[str, Any]:
    """Return what --json prints."""
    seconds = float(sum(history.seconds))  # of the training loops alone
    seen = len(history.loss) * len(train[0])
    return {
        "test_accuracy": float(model.evaluate(*test)["accuracy"]),
        "train_accuracy": float(model.evaluate(*train)["accuracy"]),
        "epochs": len(history.loss),
        "seconds": seconds,
        "samples_per_second": seen / seconds if seconds > 0 else 0.0,
        "parameters": int(model.parameter_count),
    }


def _print_results(results: dict[str, Any], history: History, tested: int, table: bool) -> None:
    if table:
        print("epoch     loss  accuracy  test loss  test accuracy  seconds")
        columns = (
            history.loss,
            history.accuracy,
            history.val_loss,
            history.val_accuracy,
            history.seconds,
        )
        for epoch, row in enumerate(zip(*columns, strict=False), 1):
            print("{:5} {:8.4f} {:9.4f} {:10.4f} {:14.4f} {:8.4f}".format(epoch, *row))
        print()
    trained = "no epoch of training was completed"
    if history.loss:
        trained = (
            f"{results['seconds']:.3f} s of training, "
            f"{results['samples_per_second']:,.0f} samples a second"
        )
    right = round(results["test_accuracy"] * tested)
    print(
        f"test accuracy {results['test_accuracy']:.4f} ({right:,} of {tested:,}), "
        f"training accuracy {results['train_accuracy']:.4f}\n{trained}"
    )


def blocks_can_be_shown() -> bool:
    """Return whether the encoding of stdout has the characters that draw_digits likes best."""
    from fastnet.plot import BLOCKS

    try:
        BLOCKS.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
