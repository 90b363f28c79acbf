"""The options, and what is said of a wrong one."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

from fastnet import __version__
from fastnet.cli.estimators import add_sklearn
from fastnet.cli.info import run_info
from fastnet.cli.run import run_script
from fastnet.cli.train import CURVES, MODEL, RECIPES, run_train
from fastnet.cli.warmup import run_warmup


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Exit with status 2 and one line, in place of the usage's many."""
        message = " ".join(re.sub(r"^argument ([^:]+): must ", r"\1 must ", message).splitlines())
        advice = "" if message.endswith(".") else f". Run {self.prog} --help."
        self.exit(2, f"{self.prog}: {message}{advice}\n")


def _number(kind: Callable[[str], Any], least: float, rule: str) -> Callable[[str], Any]:
    """Return a reader of one number above least, for an option."""

    def read(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not least < value < math.inf:  # NaN, too, is refused
            raise argparse.ArgumentTypeError(f"must be {rule}, got {text!r}. Give another value.")
        return value

    return read


_count = _number(int, 0, "a whole number, 1 or more")

_positive = _number(float, 0, "a positive number")


def _sizes(text: str) -> list[int]:
    """Read "50,50"."""
    try:
        return [_count(size) for size in text.split(",")]
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"must be the layers' numbers of units, got {text!r}. Give them with commas: 50,50."
        ) from None


def _one_of(*names: str) -> Callable[[str], str]:
    """Return a reader of one of the names."""

    def read(text: str) -> str:
        if text not in names:
            rule = f"must be {' or '.join(names)}"
            raise argparse.ArgumentTypeError(f"{rule}, got {text!r}. Give one of these names.")
        return text

    return read


def make_parser() -> _Parser:
    """Return the reader of the command line."""
    parser = _Parser(
        prog="fastnet",
        allow_abbrev=False,
        description="Fully connected neural networks on SIMD kernels.",
    )
    parser.add_argument("--version", action="version", version=f"fastnet {__version__}")
    commands = parser.add_subparsers(metavar="{train,run,sklearn,warmup,info}", required=True)

    train = commands.add_parser(
        "train",
        allow_abbrev=False,
        help="train a network on handwritten digits",
        description="Train a network on the 1,797 handwritten digits that come with fastnet, or on "
        "MNIST, and show what it learnt. Ctrl-C stops early and keeps what was learnt, without "
        "--out in the working folder (exit status 130).",
    )
    train.set_defaults(run=run_train)

    def add(name: str, metavar: str, read: Callable[[str], Any], default: Any, text: str) -> None:
        shown = "" if default is None else f" (default: {default})"
        train.add_argument(name, metavar=metavar, type=read, default=default, help=text + shown)

    def add_to_recipe(name: str, metavar: str, read: Callable[[str], Any], text: str) -> None:
        """Add an option whose default is the model's."""
        shown = [
            f"{recipe._asdict()[name.removeprefix('--').replace('-', '_')]} of {model}"
            for model, recipe in RECIPES.items()
        ]
        text = f"{text} (default: {', '.join(shown)})"
        train.add_argument(name, metavar=metavar, type=read, help=text)

    add("--data", "DIR", str, None, "folder of MNIST's four IDX files, gzipped or not")
    models = "dense: hidden layers alone; simple-conv: behind 30 filters of 5x5 and 2x2 maxima"
    add("--model", "NAME", _one_of(*RECIPES), "dense", models)
    add_to_recipe("--hidden", "N,N", _sizes, "units of each hidden layer")
    activations = _one_of("sigmoid", "relu", "tanh")
    add("--activation", "NAME", activations, "relu", "sigmoid, relu or tanh, of the hidden layers")
    optimizers = "sgd: stochastic gradient descent; adam"
    add_to_recipe("--optimizer", "NAME", _one_of("sgd", "adam"), optimizers)
    add_to_recipe("--lr", "RATE", _positive, "learning rate")
    add_to_recipe("--batch-size", "N", _count, "images an update")
    add_to_recipe("--epochs", "N", _count, "times to see every image")
    seeds = _number(int, -1, "a whole number, 0 or more")
    add("--seed", "N", seeds, 0, "the same seed gives the same network, to the bit")
    add("--dtype", "NAME", _one_of("float32", "float64"), "float32", "float32 or float64")
    spread = "spread of the first weights; if not given, He's for relu and Xavier's otherwise, of "
    spread += "simple-conv on MNIST the textbook's 0.01"
    add("--weight-init-std", "STD", _positive, None, spread)
    add("--out", "DIR", str, None, f"folder for {MODEL} and {CURVES}, made if missing")
    train.add_argument("--json", action="store_true", help="end with one line of JSON")
    train.add_argument("--quiet", action="store_true", help="no progress bar, table or pictures")

    run = commands.add_parser(
        "run",
        allow_abbrev=False,
        help="run a script of the textbooks on kernels",
        description="Run a script that is written against the package `common` of Deep Learning "
        "from Scratch, of either book, with fastnet's kernels under it from the call on that makes "
        "their start worth while: a count of elements and products, so that the same script gives "
        "the same bits each time. The script and its folder stay as they are.",
    )
    run.set_defaults(run=run_script)
    run.add_argument(
        "--report",
        action="store_true",
        help="end with when kernels took over, and what ran on them, on standard error",
    )
    # One argument: of two, argparse would take the script's own "--" for itself.
    script = "a Python file, and the arguments that it takes"
    run.add_argument("command", metavar="script", nargs=argparse.PARSER, help=script)

    add_sklearn(commands)

    warmup = commands.add_parser(
        "warmup",
        allow_abbrev=False,
        help="compile all kernels now, so that nothing has to wait for them later",
        description="Compile every kernel, for float32 and float64, into the cache folder: one to "
        "three minutes, and two seconds when it is done already. No fit, layer, loss, optimizer or "
        "script compiles anything afterwards.",
    )
    warmup.add_argument(
        "--clean",
        action="store_true",
        help="first remove what other versions of fastnet, Numba and Python, and processes that "
        "were killed, left in the cache",
    )
    warmup.set_defaults(run=run_warmup)

    info = commands.add_parser(
        "info",
        help="versions, CPU, threads and cache: what a bug report needs",
        description="Print versions, CPU, threads and cache folder: what a bug report needs.",
    )
    info.set_defaults(run=run_info)
    return parser
