"""The command `fastnet`: train on handwritten digits, run scripts, compile ahead, tell versions."""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

# Only what is cheap is imported here: a wrong option is answered before Numba, half a second, is
# loaded.
from fastnet import __version__

if TYPE_CHECKING:
    from fastnet.datasets import Pair
    from fastnet.models import History, Sequential

__all__ = ["main"]

MODEL, CURVES = "model.safetensors", "learning_curves.png"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the command's name; those of the process by default.

    Returns
    -------
    int
        0; 1 when training diverged, or a script raised; 130 when Ctrl-C ended it early.

    Raises
    ------
    SystemExit
        With status 2 and one line on stderr, for an option or a path that cannot be used; with
        status 0 after --help and --version.

    Examples
    --------
    >>> from fastnet.cli import main
    >>> main(["info"])  # doctest: +ELLIPSIS
    fastnet      ...
    0
    """
    options = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        # A file name that the terminal cannot show is no crash; a script's output is its own.
        if hasattr(stream, "reconfigure") and options.run is not _run:
            stream.reconfigure(errors="backslashreplace")
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        print("fastnet: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `fastnet train | head`: nobody reads on; see Python's signal docs
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


# --------------------------------------------------------------------------- options


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


def _parser() -> _Parser:
    parser = _Parser(
        prog="fastnet",
        allow_abbrev=False,
        description="Fully connected neural networks on SIMD kernels.",
    )
    parser.add_argument("--version", action="version", version=f"fastnet {__version__}")
    commands = parser.add_subparsers(metavar="{train,run,warmup,info}", required=True)

    train = commands.add_parser(
        "train",
        allow_abbrev=False,
        help="train a network on handwritten digits",
        description="Train a network on the 1,797 handwritten digits that come with fastnet, or on "
        "MNIST, and show what it learnt. Ctrl-C stops early and keeps what was learnt "
        "(exit status 130).",
    )
    train.set_defaults(run=_train)

    def add(name: str, metavar: str, read: Callable[[str], Any], default: Any, text: str) -> None:
        shown = "" if default is None else f" (default: {default})"
        train.add_argument(name, metavar=metavar, type=read, default=default, help=text + shown)

    add("--data", "DIR", str, None, "folder of MNIST's four IDX files, gzipped or not")
    add("--hidden", "N,N", _sizes, "50", "units of each hidden layer")
    activations = _one_of("sigmoid", "relu", "tanh")
    add("--activation", "NAME", activations, "relu", "sigmoid, relu or tanh, of the hidden layers")
    add("--optimizer", "NAME", _one_of("sgd"), "sgd", "sgd: stochastic gradient descent")
    add("--lr", "RATE", _positive, 0.2, "learning rate")
    add("--batch-size", "N", _count, 32, "images an update")
    add("--epochs", "N", _count, 30, "times to see every image")
    seeds = _number(int, -1, "a whole number, 0 or more")
    add("--seed", "N", seeds, 0, "the same seed gives the same network, to the bit")
    add("--dtype", "NAME", _one_of("float32", "float64"), "float32", "float32 or float64")
    spread = "spread of the first weights; if not given, He's for relu and Xavier's otherwise"
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
    run.set_defaults(run=_run)
    run.add_argument(
        "--report",
        action="store_true",
        help="end with when kernels took over, and what ran on them, on standard error",
    )
    # One argument: of two, argparse would take the script's own "--" for itself.
    script = "a Python file, and the arguments that it takes"
    run.add_argument("command", metavar="script", nargs=argparse.PARSER, help=script)

    warmup = commands.add_parser(
        "warmup",
        allow_abbrev=False,
        help="compile all kernels now, so that nothing has to wait for them later",
        description="Compile every kernel, for float32 and float64, into the cache folder: one to "
        "three minutes, and two seconds when it is done already. No fit, layer, loss, optimizer or "
        "script compiles anything afterwards.",
    )
    warmup.set_defaults(run=_warmup)

    info = commands.add_parser(
        "info",
        help="versions, CPU, threads and cache: what a bug report needs",
        description="Print versions, CPU, threads and cache folder: what a bug report needs.",
    )
    info.set_defaults(run=_info)
    return parser


def _say(message: object, command: str = "train") -> None:
    print(f"fastnet {command}: {message}", file=sys.stderr)


def _refuse(message: object, status: int = 2, command: str = "train") -> NoReturn:
    _say(message, command)
    raise SystemExit(status)


# --------------------------------------------------------------------------- train


def _train(options: argparse.Namespace) -> int:
    if options.out is not None:
        _prepare(Path(options.out))  # before training: nobody waits for a model that cannot be kept

    from fastnet.datasets import load_digits, load_mnist
    from fastnet.optimizer import SGD
    from fastnet.plot import draw_digits

    try:
        # The digits' pixels are 0..16, so they go in as float32 in 0..1; MNIST's uint8 rows are
        # read by fit as they are.
        name, data = (
            ("digits", load_digits(normalize=True))
            if options.data is None
            else ("MNIST", load_mnist(options.data))
        )
        (x_train, t_train), test = data
        model = _network(options, x_train.shape[1])
    except MemoryError:
        _refuse(f"--hidden must fit in memory, got {options.hidden}. Give fewer units.")
    except (OSError, ValueError) as error:
        _refuse(error)

    if not options.quiet:
        sizes = "-".join(str(n) for n in (x_train.shape[1], *options.hidden, 10))
        print(
            f"data      {name}, {len(x_train):,} images to learn from, {len(test[0]):,} to test\n"
            f"network   {sizes}, {options.activation}, {options.dtype}, "
            f"{model.parameter_count:,} parameters\n"
            f"training  {options.epochs} epochs of {options.optimizer}, learning rate "
            f"{options.lr:g}, batches of {options.batch_size}, seed {options.seed}\n",
            flush=True,
        )
    try:
        history = model.fit(
            x_train,
            t_train,
            epochs=options.epochs,
            batch_size=options.batch_size,
            optimizer=SGD(lr=options.lr),
            validation_data=test,
            verbose=0 if options.quiet else 1,
        )
    except FloatingPointError as error:  # the loss is no longer finite
        _refuse(error, status=1)
    except ValueError as error:  # --lr is more than --dtype can hold
        _refuse(error)
    stopped = len(history.loss) < options.epochs
    if stopped:
        done = f"{len(history.loss)} of {options.epochs} epochs"
        _say(f"interrupted after {done}; what was learnt is kept")

    # Written before anything is printed: a reader that went away (| head) costs no model.
    written, failed = ([], False) if options.out is None else _write(model, history, options.out)
    results = _results(model, history, *data)
    _print_results(results, history, len(test[0]), table=not options.quiet)
    if not options.quiet:
        width = shutil.get_terminal_size().columns
        proba = model.predict_proba(test[0])
        print("\n" + draw_digits(*test, proba, width, blocks=_blocks_can_be_shown()))
    for path in written:
        print(f"wrote {path}")
    if options.json:
        print(json.dumps(results))
    sys.stdout.flush()  # here, where main can answer for a broken pipe
    return 130 if stopped else int(failed)


def _network(options: argparse.Namespace, n_in: int) -> Sequential:
    from fastnet.layers import Dense
    from fastnet.models import Sequential

    std = options.weight_init_std
    layers = [Dense(n, options.activation, weight_init_std=std) for n in options.hidden]
    layers.append(Dense(10, weight_init_std=std))
    model = Sequential(layers, dtype=options.dtype, seed=options.seed)
    model.build(n_in)
    return model


def _prepare(out: Path) -> None:
    """Make the folder for the results and see that files can be written into it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        trial = out / f".{MODEL}.{os.getpid()}.trial"
        trial.touch(exist_ok=False)
        trial.unlink()
    except OSError as error:
        _refuse(
            f"--out must be a folder that can be written, got {str(out)!r} "
            f"({error.strerror}). Give another folder."
        )
    for name in (MODEL, CURVES):
        if (out / name).is_dir():
            _refuse(
                f"--out must have a place for the file {name}, got the folder "
                f"{str(out / name)!r}. Give another folder."
            )


def _write(model: Sequential, history: History, out: str) -> tuple[list[Path], bool]:
    """Write the model and its learning curves; return what was written, and if a write failed."""
    from fastnet.plot import save_learning_curves

    written, failed = [], False
    results: dict[str, Callable[[Path], None]] = {MODEL: model.save}
    if history.loss:  # at least one epoch
        results[CURVES] = partial(save_learning_curves, history)
    for name, write in results.items():
        path = Path(out, name)
        try:
            write(path)
            written.append(path)
        except ImportError as error:
            _say(
                f"{name} was not written, because matplotlib cannot be imported "
                f"({error.__cause__}). Run pip install 'fastnet-numba[plot]'."
            )
        except OSError as error:  # a full disk, a folder taken away
            failed = True
            _say(f"{str(path)!r} was not written: {error}")
    return written, failed


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
    right = round(results["test_accuracy"] * tested)
    print(
        f"test accuracy {results['test_accuracy']:.4f} ({right:,} of {tested:,}), "
        f"training accuracy {results['train_accuracy']:.4f}\n"
        f"{results['seconds']:.3f} s of training, "
        f"{results['samples_per_second']:,.0f} samples a second"
    )


def _blocks_can_be_shown() -> bool:
    """Return whether the encoding of stdout has the characters that draw_digits likes best."""
    from fastnet.plot import BLOCKS

    try:
        BLOCKS.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


# --------------------------------------------------------------------------- run


def _run(options: argparse.Namespace) -> int:
    from fastnet.dropin.run import run

    script, *arguments = options.command[options.command[0] == "--" :]
    try:
        source = Path(script).read_bytes()
    except OSError as error:
        _refuse(
            f"script must be a Python file that can be read, got {script!r} "
            f"({error.strerror}). Give the path of one.",
            command="run",
        )
    return run(script, source, arguments, with_report=options.report)


# --------------------------------------------------------------------------- warmup


def _warmup(options: argparse.Namespace) -> int:
    start = time.perf_counter()
    from fastnet.kernels import _cache
    from fastnet.models.progress import progress_bar
    from fastnet.warmup import versions

    folder = _cache.cache_directory()
    if folder is None:
        _refuse(
            "the cache must have a folder that can be written, got none. Set NUMBA_CACHE_DIR to "
            "one.",
            command="warmup",
        )
    _cache.said_compiling = True  # the bar says it
    todo = versions()
    kernels = {kernel for kernel, _ in todo}

    def compiled() -> int:
        return sum(sum(kernel.stats.cache_misses.values()) for kernel in kernels)

    before = compiled()
    bar = progress_bar(len(todo), "kernel")
    try:
        for kernel, types in todo:
            kernel.compile(types)
            if bar is not None:
                bar.update()
    except OSError as error:  # a full disk
        _refuse(f"the cache {str(folder)!r} was not written: {error}", 1, command="warmup")
    finally:
        if bar is not None:
            bar.close()
    new, seconds = compiled() - before, time.perf_counter() - start
    if new == 0:
        print(f"all {len(todo)} kernels were compiled already, in {folder} ({seconds:.1f} s)")
    else:
        print(f"compiled {new} kernels in {seconds:.1f} s, into {folder}")
    return 0


# --------------------------------------------------------------------------- info


def _info(options: argparse.Namespace) -> int:
    from fastnet.info import installation

    for key, value in installation().items():
        print(f"{key:12} {value}")
    return 0
