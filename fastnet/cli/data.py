"""What DATA is, and what is made of it: for a training, and for a network that was trained."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnet.cli import columns, images, tables
from fastnet.cli.images import DIGITS, Pair
from fastnet.cli.messages import BadInput
from fastnet.cli.pipeline import Pipeline, complete_target, labels_of, task_of

OF_TABLES = "target", "task", "drop", "categorical", "numeric", "no_scaling"
SPLIT = 0.2  # of a table and of folders of images, held out for validation


class Data(NamedTuple):
    """What a training is given."""

    name: str
    pipeline: Pipeline
    train: Pair
    held_out: Pair  # evaluated after each epoch
    held_name: str  # "test" or "validation"
    test: Pair | None = None  # beside a validation part
    facts: tuple[str, ...] = ()  # lines that say what was decided


def kind_of(path: str | None) -> str:
    """Return what DATA is: "digits", "table", "mnist", "idx", "folders" or "png"."""
    if path is None or path == DIGITS:
        return DIGITS
    if tables.is_table(path):
        return "table"
    where = Path(path)
    if where.is_dir():
        if images.is_mnist(where):
            return "mnist"
        if images.class_folders(where):
            return "folders"
        if images.png_files(where):
            return "png"
        if images.is_mnist(where, "*/") or images.is_mnist(where, "*/*/"):
            return "mnist"  # whose loader says where they are
    if images.is_idx(where):
        return "idx"
    if where.is_file() and where.suffix.lower() == ".png":
        return "png"
    what = "a file of another kind" if where.exists() else "a path that does not exist"
    what = "a folder of other files" if where.is_dir() else what
    raise BadInput(
        "DATA must be a table (.csv, .tsv, .parquet), a folder of PNG files by class, a folder of "
        f"MNIST's four IDX files, or the word digits, got {what}: {path!r}. Give one of these."
    )


def training_data(options: argparse.Namespace) -> Data:
    """Return what `fastnet train` learns from, and what it holds out."""
    kind, path = kind_of(options.data), options.data
    others = () if kind == "table" else OF_TABLES
    for option in others if kind == "folders" else (*others, "size"):
        if getattr(options, option):
            goes = "a folder of PNG files" if option == "size" else "a table"
            raise BadInput(
                f"--{option.replace('_', '-')} must go with {goes}, got it with "
                f"{path or DIGITS!r}. Leave it out."
            )
    if kind == "table":
        return _table(options, path)
    if kind == "folders":
        return _folders(options, Path(path))
    if kind in ("png", "idx"):
        raise BadInput(
            f"DATA must have labels to learn from, got {path!r}. Give the folder above, with a "
            "folder of PNG files for each class, or MNIST's four files."
        )
    train, test, shape, classes = images.stored(path)
    name, top = ("digits", 16) if kind == DIGITS else ("MNIST", 255)
    if kind != DIGITS and (shape, classes) != ((28, 28, 1), 10):
        name = f"{path}, {shape[1]}x{shape[0]}"
    labels = list(range(classes))
    pipeline = Pipeline("images", "classification", labels, shape=shape, top=top)
    split = options.validation_split
    if split is None and options.early_stopping is not None:
        split = SPLIT  # the test images are no business of a training's
    if split is None:
        return Data(name, pipeline, train, test, "test")
    train, held_out = _split(train, split, options.seed, stratified=True)
    return Data(name, pipeline, train, held_out, "validation", test)


def _table(options: argparse.Namespace, path: str) -> Data:
    if options.target is None:
        read = tables.read_table(path)
        raise BadInput(
            "--target must name the column to predict, got none. The table has "
            f"{', '.join(list(read)[:20])}."
        )
    numeric, categorical, drop = options.numeric, options.categorical, options.drop
    table = tables.read_table(path, categorical)
    for option, found in (
        ("--target", [options.target]),
        ("--numeric", numeric),
        ("--categorical", categorical),
        ("--drop", drop),
    ):
        tables.picked(table, found, option)
    twice = (set(numeric) & set(categorical)) | ({*numeric, *categorical, *drop} & {options.target})
    if twice:
        raise BadInput(
            f"column {sorted(twice)[0]!r} must be named once, got it in two of --target, "
            "--numeric, --categorical and --drop. Leave one out."
        )
    target = table.pop(options.target)
    for name in drop:
        table.pop(name)
    if not table:
        raise BadInput(
            f"DATA must have a column beside the target {options.target!r}, got none. Give a table "
            "with columns to learn from."
        )
    task, why = task_of(target, options.target, options.task)
    pipeline = Pipeline("table", task, target=options.target, dropped=list(drop))
    t: NDArray[Any]
    if task == "classification":
        pipeline.labels = labels_of(target, options.target)
        t = pipeline.label_indices(target)
    else:
        complete_target(target, options.target)
        t = tables.as_numbers(target, options.target)
    learnt, held = _rows(t, options.validation_split or SPLIT, options.seed, bool(pipeline.labels))
    pipeline.columns = columns.fitted(
        table, learnt, numeric, categorical, options.max_categories, not options.no_scaling
    )
    if task == "regression":
        columns.spread(options.target, t)  # of those held out, too, which are judged
        pipeline.mean, deviation = columns.spread(options.target, t[learnt])
        pipeline.deviation = deviation or 1.0
    notes: list[str] = []
    x = pipeline.x_of(table, options.dtype, allow_unseen=True, notes=notes)
    inputs = len(columns.input_names(pipeline.columns))
    facts = (
        f"task      {task} of {options.target!r} ({why})",
        f"columns   {len(table)} as {inputs} inputs{_what(pipeline)}",
        *(f"note      {note}" for note in notes),
    )
    name = "standard input" if path == "-" else Path(path).name
    return Data(
        name, pipeline, (x[learnt], t[learnt]), (x[held], t[held]), "validation", None, facts
    )


def _what(pipeline: Pipeline) -> str:
    text = [one["name"] for one in pipeline.columns if one["kind"] == "category"]
    gaps = [one["name"] for one in pipeline.columns if one.get("indicator") or one.get("missing")]
    found = f"; one-hot: {', '.join(text)}" if text else ""
    return found + (f"; with missing values: {', '.join(gaps)}" if gaps else "")


def _folders(options: argparse.Namespace, folder: Path) -> Data:
    files, labels, names = images.by_class(folder)
    x, shape = images.read_images(files, options.size)
    pipeline = Pipeline("images", "classification", list(names), shape=shape)
    pipeline.resized = options.size is not None
    data = (x, np.array(labels, np.int64))
    train, held = _split(data, options.validation_split or SPLIT, options.seed, stratified=True)
    fact = (
        f"classes   {', '.join(names)}: {shape[1]}x{shape[0]}, {'grey' if shape[2] == 1 else 'RGB'}"
    )
    return Data(folder.resolve().name, pipeline, train, held, "validation", None, (fact,))


def _rows(
    t: NDArray[Any], part: float, seed: int, stratified: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows to learn from and those held out, of each class the same part."""
    rng, n = np.random.default_rng(seed), len(t)
    order = rng.permutation(n)
    if stratified:
        held = [
            rows[: round(part * len(rows))]
            for rows in (order[t[order] == label] for label in np.unique(t))
        ]
        chosen = np.concatenate(held)
    else:
        chosen = order[: round(part * n)]
    out = np.zeros(n, bool)
    out[chosen] = True
    if not out.any() or out.all():
        raise BadInput(
            f"--validation-split must leave a row on either side, got {part:g} of {n} rows. Give "
            "more rows, or another fraction."
        )
    return np.flatnonzero(~out), np.flatnonzero(out)


def _split(data: Pair, part: float, seed: int, stratified: bool) -> tuple[Pair, Pair]:
    learnt, held = _rows(data[1], part, seed, stratified)
    x, t = data
    return (x[learnt], t[learnt]), (x[held], t[held])


def answered_data(
    pipeline: Pipeline, path: str | None, dtype: str, options: argparse.Namespace, notes: list[str]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return x and t, in its own units, of DATA that has the answers, for a trained network."""
    kind = _fitting(pipeline, path)
    if kind == "table":
        table = tables.read_table(str(path), pipeline.text_columns())
        tables.picked(table, options.drop, "--drop")
        t = pipeline.t_of(table)
        return pipeline.x_of(table, dtype, options.drop, options.allow_unseen, notes), t
    if kind == "folders":
        files, labels, _ = images.by_class(Path(str(path)), [str(one) for one in pipeline.labels])
        return _pixels(pipeline, files), np.array(labels, np.int64)
    if kind in ("png", "idx"):
        raise BadInput(
            f"DATA must have labels to compare with, got {path!r}. Give the folder above, with a "
            "folder of PNG files for each class, or MNIST's four files."
        )
    _, (x, t), shape, classes = images.stored(path)
    _check_pixels(pipeline, shape, path or DIGITS)
    if classes > len(pipeline.labels):  # the last ones may be missing, of a part of a data set
        raise BadInput(
            f"DATA must have the classes of the training, got {classes} for {pipeline.labels}. "
            "Give the data that goes with the model."
        )
    return x, t


def asked_data(
    pipeline: Pipeline, path: str, dtype: str, options: argparse.Namespace, notes: list[str]
) -> tuple[NDArray[Any], Sequence[str] | None]:
    """Return x of DATA without answers, and the names of its rows where they have any."""
    kind = _fitting(pipeline, path)
    if kind == "table":
        table = tables.read_table(path, pipeline.text_columns())
        tables.picked(table, options.drop, "--drop")
        return pipeline.x_of(table, dtype, options.drop, options.allow_unseen, notes), None
    where = Path(path)
    if kind in ("png", "folders"):
        files = [where] if where.is_file() else images.png_files(where)
        if kind == "folders":
            files += [file for one in images.class_folders(where) for file in images.png_files(one)]
        return _pixels(pipeline, files), [str(file) for file in files]
    if kind == "idx":
        x = images.read_idx(where)
        _check_pixels(pipeline, (*x.shape[1:], 1), path)
        return x.reshape(len(x), -1), None
    _, (x, _), shape, _ = images.stored(path)
    _check_pixels(pipeline, shape, path)
    return x, None


def _fitting(pipeline: Pipeline, path: str | None) -> str:
    """Return what DATA is, which must be what the network was trained on."""
    kind = kind_of(path)
    if (kind == "table") != (pipeline.kind == "table"):
        wanted = "a table" if pipeline.kind == "table" else "images"
        raise BadInput(
            f"DATA must be {wanted}, as the model was trained on, got {path or DIGITS!r}. Give "
            "data of that kind."
        )
    top = 16 if kind == DIGITS else 255
    if pipeline.kind == "images" and pipeline.top != top:
        raise BadInput(
            f"images must have pixels of 0 to {pipeline.top}, as at training, got those of 0 to "
            f"{top} in {path or DIGITS!r}. Give the data that goes with the model."
        )
    return kind


def _pixels(pipeline: Pipeline, files: list[Path]) -> NDArray[np.uint8]:
    height, width, channels = pipeline.shape
    x, shape = images.read_images(files, (width, height) if pipeline.resized else None, channels)
    _check_pixels(pipeline, shape, str(files[0]))
    return x


def _check_pixels(pipeline: Pipeline, shape: tuple[int, int, int], path: str) -> None:
    if shape != pipeline.shape:
        (height, width, _), found = pipeline.shape, f"{shape[1]}x{shape[0]}"
        raise BadInput(
            f"images must be {width}x{height}, as at training, got {found} in {path!r}. Train with "
            f"--size {width}x{height}, which resizes all, or give images of that size."
        )
