"""What a training is made with: the options, and what stands where they say nothing."""

from __future__ import annotations

import argparse
from typing import Any

from fastnet.cli import parts
from fastnet.cli.messages import BadInput
from fastnet.cli.parser import Part, part, sizes
from fastnet.cli.pipeline import Pipeline
from fastnet.cli.recipes import Recipe


def fill_in(options: argparse.Namespace, recipe: Recipe) -> None:
    """Put what the options do not say in its place; of another optimizer lr is its own."""
    if options.optimizer is None:
        options.optimizer = part(recipe.optimizer)
    given = options.optimizer.given
    if options.lr is not None and "lr" in given:
        raise BadInput("--lr must be given once, got it in --optimizer, too. Leave one out.")
    if given.get("lr", 0) is None:
        raise BadInput("--optimizer lr must be a number, got none. Leave it out for its default.")
    options.lr = given.pop("lr", options.lr)
    if options.lr is None and options.optimizer.name == recipe.optimizer:
        options.lr = recipe.lr
    if options.hidden is None:
        options.hidden = sizes(recipe.hidden)
    options.batch_size = options.batch_size or recipe.batch_size
    options.epochs = options.epochs or recipe.epochs


def check_names(options: argparse.Namespace) -> None:
    """Check what can be checked before the data are read; find the learning rate."""
    kind = parts.known("--optimizer", options.optimizer, parts.optimizers())
    if options.lr is None:
        options.lr = parts.numbers_of(kind)["lr"]
    parts.known("--activation", Part(options.activation, {}), parts.activations())
    if options.loss is not None:
        parts.known("--loss", options.loss, parts.losses())
    if options.schedule is not None:
        parts.known("--schedule", options.schedule, parts.schedules(), ("lr",))


def choose_loss(options: argparse.Namespace, pipeline: Pipeline) -> None:
    """Find the loss, which suits the task; of numbers as they are the target is not scaled."""
    if options.loss is None:
        of_classes = pipeline.task == "classification"
        options.loss = Part("softmax_cross_entropy" if of_classes else "mean_squared_error", {})
    known = parts.losses(pipeline.task)
    if options.loss.name not in known:
        raise BadInput(
            f"--loss must suit the task, {pipeline.task}, got {options.loss.name!r}. Give one of "
            f"{', '.join(known)}."
        )
    kind = parts.known("--loss", options.loss, known)
    parts.made("--loss", options.loss, kind)
    if options.loss.name in parts.OF_PLAIN_NUMBERS:
        pipeline.mean, pipeline.deviation = 0.0, 1.0


def make_optimizer(options: argparse.Namespace, steps: int) -> Any:
    """Return the optimizer, with its schedule; of `steps` updates an epoch."""
    from fastnet.schedules import Warmup

    lr: Any = options.lr
    if options.schedule is not None:
        taken = parts.known("--schedule", options.schedule, parts.schedules(), ("lr",))
        epochs = dict(options.schedule.given)
        if "steps" in parts.numbers_of(taken):
            epochs.setdefault("steps", options.epochs - (options.warmup_epochs or 0))
        elif "every" not in epochs:
            raise BadInput(
                f"--schedule {options.schedule.name} must have every, a number of epochs, got "
                f"none. Give --schedule {options.schedule.name}:every=10."
            )
        for name in ("steps", "every"):  # epochs here, updates there
            if name in epochs:
                if not (epochs[name] or 0) > 0:
                    raise BadInput(
                        f"--schedule {name} must be a number of epochs above 0, got "
                        f"{epochs[name]}. Give a number such as 10, or fewer --warmup-epochs."
                    )
                epochs[name] = max(1, round((epochs[name] or 0) * steps))
        lr = parts.made("--schedule", Part(options.schedule.name, epochs), taken, lr=options.lr)
    if options.warmup_epochs is not None:
        lr = Warmup(lr, options.warmup_epochs * steps)
    kind = parts.optimizers()[options.optimizer.name]
    return parts.made("--optimizer", options.optimizer, kind, lr=lr)
