"""The options of `fastnet train`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnet.cli.parser import (
    add_command,
    add_json,
    count,
    fraction,
    names,
    number,
    one_of,
    part,
    pixels,
    positive,
    seeds,
    sizes,
)
from fastnet.cli.recipes import FOLDERS, RECIPES, TABLE
from fastnet.cli.train import run_train

ABOUT = (
    "Train a network and show what it learnt: on a table, of which --target names the column to "
    "predict; on a folder of PNG files, with a folder for each class; on MNIST's four IDX files; "
    "or, without DATA, on the 1,797 handwritten digits that come with fastnet. Numbers of a table "
    "are standardized and text is one-hot, by the rows learnt from alone; a missing number is "
    "their median, with a column that says so; a missing text is a category of its own. All of "
    "that, and the labels, is kept in the file of the model. Ctrl-C stops early and "
    "keeps what was learnt, without --out in the working folder (exit status 130). A training that "
    "diverged ends with 1."
)
EXAMPLES = [
    "--out run",
    "flowers.csv --target species --out run",
    "houses.parquet --target price --hidden 128,64 --early-stopping 10 --out run",
    "titanic.csv --target survived --drop name,ticket --categorical class",
    "--optimizer adam:beta1=0.8,weight_decay=1e-4 --lr 0.001 --schedule cosine",
    "FOLDER --model simple-conv --size 28x28 --dropout 0.3",
]


def add_train(commands: Any) -> None:
    """Add the command."""
    train = add_command(
        commands, "train", run_train, "train a network on a table or on images", ABOUT, EXAMPLES
    )
    train.lists = _lists

    def add(group: Any, name: str, metavar: str, read: Any, default: Any, text: str) -> None:
        shown = "" if default is None else f" (default: {default})"
        default = [] if read is names else default
        group.add_argument(name, metavar=metavar, type=read, default=default, help=text + shown)

    def add_to_recipe(
        group: Any, name: str, metavar: str, read: Callable[[str], Any], text: str
    ) -> None:
        """Add an option whose default is the model's."""
        key = name.removeprefix("--").replace("-", "_")
        found = {"digits and MNIST": RECIPES["dense"], "tables": TABLE, "folders": FOLDERS}
        found["simple-conv"] = RECIPES["simple-conv"]
        shown = [f"{recipe._asdict()[key]} of {model}" for model, recipe in found.items()]
        text = f"{text} (default: {', '.join(shown)})"
        group.add_argument(name, metavar=metavar, type=read, help=text)

    what = "a table (.csv, .tsv, .parquet), a folder of class folders of PNG files, or of MNIST's "
    what += "four IDX files, or the word digits (default: digits)"
    train.add_argument("path", metavar="DATA", nargs="?", help=what)

    data = train.add_argument_group("data")
    add(data, "--data", "DIR", str, None, "the same as DATA")
    add(data, "--target", "COLUMN", str, None, "of a table: the column to predict")
    task = "classification or regression; by itself, text, true and false, and whole numbers of at "
    task += "most 20 values are classes, and all others numbers to predict"
    add(data, "--task", "NAME", one_of("classification", "regression"), None, task)
    add(data, "--drop", "NAMES", names, None, "columns to leave out, with commas")
    add(data, "--categorical", "NAMES", names, None, "columns of numbers to take for categories")
    add(data, "--numeric", "NAMES", names, None, "columns that must be numbers")
    most = "values that a column of text may have, each of which is an input"
    add(data, "--max-categories", "N", count, 100, most)
    data.add_argument("--no-scaling", action="store_true", help="take numbers as they are")
    split = "part of the rows held out, evaluated after each epoch, of each class the same "
    split += "(default: 0.2; of MNIST and the digits the test images are evaluated instead)"
    add(data, "--validation-split", "PART", fraction, None, split)
    size = "width and height that PNG files are resized to; without, all must be of one size"
    add(data, "--size", "WxH", pixels, None, size)

    network = train.add_argument_group("network")
    models = "dense: hidden layers alone; simple-conv: behind 30 filters of 5x5 and 2x2 maxima"
    add(network, "--model", "NAME", one_of(*RECIPES), "dense", models)
    add_to_recipe(network, "--hidden", "N,N", sizes, "units of each hidden layer")
    activations = "of the hidden layers: relu, sigmoid, tanh or one of those below"
    add(network, "--activation", "NAME", str, "relu", activations)
    add(
        network, "--dropout", "PART", fraction, None, "part of each hidden layer left out at random"
    )
    spread = "spread of the first weights; if not given, He's for relu and Xavier's otherwise, of "
    spread += "simple-conv on MNIST the textbook's 0.01"
    add(network, "--weight-init-std", "STD", positive, None, spread)
    add(network, "--dtype", "NAME", one_of("float32", "float64"), "float32", "float32 or float64")

    training = train.add_argument_group("training")
    loss = "one of those below (default: softmax_cross_entropy, of a regression mean_squared_error)"
    add(training, "--loss", "NAME", part, None, loss)
    optimizers = "one of those below, with numbers of its own: adam:beta1=0.8,clip_norm=1"
    add_to_recipe(training, "--optimizer", "NAME", part, optimizers)
    rates = "learning rate; of another optimizer its own"
    add_to_recipe(training, "--lr", "RATE", positive, rates)
    schedule = "fall of the learning rate, counted in epochs: cosine, or step:every=10,factor=0.5"
    add(training, "--schedule", "NAME", part, None, schedule)
    add(training, "--warmup-epochs", "N", count, None, "epochs in which it first rises in a line")
    not_negative = number(float, -1e-300, "a number, 0 or more")
    penalty = "strength of a penalty on large weights"
    add(training, "--l1", "STRENGTH", not_negative, 0.0, penalty)
    add(training, "--l2", "STRENGTH", not_negative, 0.0, penalty)
    add_to_recipe(training, "--batch-size", "N", count, "rows an update")
    add_to_recipe(training, "--epochs", "N", count, "times to see every row")
    patience = "end after N epochs without a lower loss of the held-out part, with the weights of "
    patience += "the best; of MNIST and the digits a part of the training images is held out then"
    add(training, "--early-stopping", "N", count, None, patience)
    add(training, "--seed", "N", seeds, 0, "the same seed gives the same network, to the bit")

    ending = train.add_argument_group("results")
    out = "folder for model.safetensors, history.json and learning_curves.png, made if missing"
    add(ending, "--out", "DIR", str, None, out)
    add_json(ending, "results by name; what is otherwise printed goes to standard error")
    ending.add_argument("--quiet", action="store_true", help="no progress bar, table or pictures")


def _lists() -> str:
    from fastnet.cli import parts  # Numba: half a second, of this help alone

    return parts.lists()
