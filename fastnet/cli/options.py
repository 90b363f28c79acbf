"""The commands and their options."""

from __future__ import annotations

import argparse
from typing import Any

from fastnet import __version__
from fastnet.cli.compare import run_compare
from fastnet.cli.estimators import add_sklearn
from fastnet.cli.evaluate import run_evaluate
from fastnet.cli.info import run_info
from fastnet.cli.inspect import run_inspect
from fastnet.cli.parser import Parser, add_command, add_json, names
from fastnet.cli.predict import run_predict
from fastnet.cli.run import run_script
from fastnet.cli.train_options import add_train
from fastnet.cli.warmup import run_warmup

COMMANDS = "{train,predict,evaluate,inspect,compare,run,sklearn,info,warmup}"
MODEL_HELP = "a file model.safetensors, or the folder that fastnet train --out made"
DATA_HELP = (
    "a table (.csv, .tsv, .parquet; - for CSV on standard input), a folder of PNG files by class, "
    "a folder of MNIST's four IDX files, or the word digits"
)


class _PrintCompletion(argparse.Action):
    def __call__(self, *given: Any) -> None:
        """Print the script: what makes it is imported here."""
        from fastnet.cli.completion import print_completion

        print_completion(given[0], given[2])


def make_parser() -> Parser:
    """Return the reader of the command line."""
    parser = Parser(
        prog="fastnet",
        description="Neural networks on SIMD kernels: trained, asked and judged from the shell. "
        "Errors are one line on standard error and exit status 2.",
        epilog="examples:\n"
        "  fastnet train --out run\n"
        "  fastnet train flowers.csv --target species --out run\n"
        "  fastnet predict new.csv --model run\n"
        "  fastnet train --help",
    )
    parser.add_argument("--version", action="version", version=f"fastnet {__version__}")
    parser.add_argument(
        "--print-completion",
        action=_PrintCompletion,
        choices=("bash", "zsh", "tcsh"),
        metavar="SHELL",
        help="print a completion script for bash, zsh or tcsh, and exit (extra: completion)",
    )
    commands = parser.add_subparsers(metavar=COMMANDS, required=True, parser_class=Parser)
    add_train(commands)
    _add_predict(commands)
    _add_evaluate(commands)
    _add_inspect(commands)
    _add_compare(commands)
    _add_run(commands)
    add_sklearn(commands)
    _add_info(commands)
    _add_warmup(commands)
    return parser


def _add_model(parser: Any) -> None:
    parser.add_argument("--model", metavar="FILE", required=True, help=MODEL_HELP)


def _add_columns(parser: Any) -> None:
    """Add what is said of the columns of a table that a model has not seen."""
    drop = "columns to leave out, with commas; those dropped in training are left out anyway"
    parser.add_argument("--drop", metavar="NAMES", type=names, default=[], help=drop)
    unseen = "take a category that the training had not for none of them, and say so"
    parser.add_argument("--allow-unseen", action="store_true", help=unseen)


def _add_metrics(parser: Any) -> None:
    text = (
        "which to show, with commas: of classes accuracy, precision, recall, f1, auc (averages "
        "over the classes but for accuracy), of numbers rmse, mae, r2 (default: all of them)"
    )
    parser.add_argument("--metrics", metavar="NAMES", type=names, default=[], help=text)


def _add_predict(commands: Any) -> None:
    predict = add_command(
        commands,
        "predict",
        run_predict,
        "what a saved model says of raw rows or images",
        "Print a label or a number for each row of a table, or for each image, as CSV. Raw rows "
        "go in: the scaling, the categories and the label names of the training are in the "
        "model's file. A column that is missing or unknown, and a category that the training had "
        "not, are refused; a missing number is the training's median, and is told.",
        [
            "new.csv --model run",
            "new.csv --model run --proba --out labels.csv",
            "digit.png --model run --json",
            "- --model run < new.csv",
        ],
    )
    predict.add_argument("path", metavar="DATA", help=f"{DATA_HELP}, a PNG file, or an IDX file")
    _add_model(predict)
    predict.add_argument("--proba", action="store_true", help="also the probability of each class")
    predict.add_argument("--out", metavar="FILE", help="a CSV file to write in place of printing")
    _add_columns(predict)
    add_json(
        predict,
        "predictions, and with --proba labels and probabilities; with --out what was written",
    )


def _add_evaluate(commands: Any) -> None:
    evaluate = add_command(
        commands,
        "evaluate",
        run_evaluate,
        "how right a saved model is on data with answers",
        "Print the loss and the metrics of a saved model on data that has the answers: a table "
        "with the target column, a folder of PNG files by class, or the test images of MNIST and "
        "of the digits. Metrics of a regression are in the target's own units, its loss in that "
        "of the training.",
        ["test.csv --model run", "digits --model run --json"],
    )
    evaluate.add_argument("path", metavar="DATA", help=DATA_HELP)
    _add_model(evaluate)
    _add_metrics(evaluate)
    _add_columns(evaluate)
    add_json(evaluate, "the metrics by name, rows and task")


def _add_inspect(commands: Any) -> None:
    inspect = add_command(
        commands,
        "inspect",
        run_inspect,
        "what is in a saved model",
        "Print the layers of a saved model with their arrays and counts, its loss and optimizer, "
        "and what it keeps of its data: columns, categories, scaling, labels. Nothing is loaded "
        "but the file's head.",
        ["run", "run/model.safetensors --json"],
    )
    inspect.add_argument("model", metavar="FILE", help=MODEL_HELP)
    add_json(inspect, "all of that")


def _add_compare(commands: Any) -> None:
    compare = add_command(
        commands,
        "compare",
        run_compare,
        "saved models side by side",
        "Print a row for each of two or more saved models. With --data: its metrics on the same "
        "data, parameters, size of the file, and rows a second in predictions (the fastest round "
        "of 0.3 s, after the table is read). Without: the results that their trainings had, from "
        "history.json in their folders.",
        ["run1 run2", "run1 run2 run3 --data test.csv", "run1 run2 --data digits --json"],
    )
    compare.add_argument("runs", metavar="RUN", nargs="+", help=MODEL_HELP)
    compare.add_argument("--data", metavar="DATA", help=DATA_HELP)
    _add_metrics(compare)
    _add_columns(compare)
    add_json(compare, "a list of models")


def _add_run(commands: Any) -> None:
    run = add_command(
        commands,
        "run",
        run_script,
        "run a script of the textbooks on kernels",
        "Run a script that is written against the package `common` of Deep Learning from Scratch, "
        "of either book, with fastnet's kernels under it from the call on that makes their start "
        "worth while: a count of elements and products, so that the same script gives the same "
        "bits each time. The script and its folder stay as they are.",
        ["ch05/train_neuralnet.py", "--report ch07/train_convnet.py"],
    )
    run.add_argument(
        "--report",
        action="store_true",
        help="end with when kernels took over, and what ran on them, on standard error",
    )
    add_json(run, "the status and the report; what the script prints goes to standard error")
    # One argument: of two, argparse would take the script's own "--" for itself.
    script = "a Python file, and the arguments that it takes"
    run.add_argument("command", metavar="script", nargs=argparse.PARSER, help=script)


def _add_info(commands: Any) -> None:
    info = add_command(
        commands,
        "info",
        run_info,
        "versions, CPU, threads and cache: what a bug report needs",
        "Print versions, CPU, threads and cache folder: what a bug report needs.",
        ["", "--json"],
    )
    add_json(info, "the lines by name")


def _add_warmup(commands: Any) -> None:
    warmup = add_command(
        commands,
        "warmup",
        run_warmup,
        "compile all kernels now, so that nothing has to wait for them later",
        "Compile every kernel, for float32 and float64, into the cache folder: one to three "
        "minutes, and two seconds when it is done already. No fit, layer, loss, optimizer or "
        "script compiles anything afterwards.",
        ["", "--clean"],
    )
    warmup.add_argument(
        "--clean",
        action="store_true",
        help="first remove what other versions of fastnet, Numba and Python, and processes that "
        "were killed, left in the cache",
    )
    add_json(warmup, "kernels, compiled, seconds and folder")
