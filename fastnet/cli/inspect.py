"""`fastnet inspect`: what is in a saved model, without loading it."""

from __future__ import annotations

import argparse
from typing import Any

from fastnet.cli.messages import listed, print_json, table

LEARNT_ELSEWHERE = {"class", "trainable", "rng"}  # of a layer's description, no arguments


def run_inspect(options: argparse.Namespace) -> int:
    """Print layers, shapes, counts, loss, optimizer, columns and labels; return the exit status."""
    from fastnet.cli import saved

    described, arrays, size = saved.description(options.model)
    found = _found(described, arrays, size, saved.model_file(options.model))
    if options.json:
        print_json(found)
    else:
        _show(found)
    return 0


def _found(
    described: dict[str, Any], arrays: dict[str, Any], size: int, file: str
) -> dict[str, Any]:
    layers = []
    for i, layer in enumerate(described.get("layers", [])):
        own = {
            name.partition(".")[2]: list(shape)
            for name, (_, shape) in arrays.items()
            if name.startswith(f"{i}.")
        }
        layers.append(
            {
                "class": layer.get("class"),
                "arguments": {k: v for k, v in layer.items() if k not in LEARNT_ELSEWHERE},
                "arrays": own,
                "numbers": sum(_product(shape) for shape in own.values()),
                "trainable": layer.get("trainable", True),
            }
        )
    kept = {name for name in arrays if name.startswith("optimizer.")}
    optimizer = described.get("optimizer")
    return {
        "file": file,
        "bytes": size,
        "fastnet": described.get("version"),
        "format": described.get("format"),
        "dtype": described.get("dtype"),
        "input": described.get("input_size"),
        "loss": described.get("loss"),
        "layers": layers,
        "numbers": sum(layer["numbers"] for layer in layers),
        "optimizer": optimizer,
        "optimizer_numbers": sum(_product(arrays[name][1]) for name in kept),
        "pipeline": (described.get("metadata") or {}).get("pipeline"),
    }


def _product(shape: Any) -> int:
    found = 1
    for size in shape:
        found *= size
    return found


def _show(found: dict[str, Any]) -> None:
    print(
        f"{found['file']}, {found['bytes']:,} bytes, by fastnet {found['fastnet']}\n"
        f"input {found['input']}, {found['dtype']}, loss {found['loss']}\n"
    )
    rows = []
    for layer in found["layers"]:
        arguments = ", ".join(
            f"{name}={_short(value)}"
            for name, value in layer["arguments"].items()
            if value is not None
        )
        shapes = " ".join(f"{name} {tuple(shape)}" for name, shape in layer["arrays"].items())
        frozen = "" if layer["trainable"] else " (frozen)"
        rows.append([f"{layer['class']}{frozen}", arguments, shapes, f"{layer['numbers']:,}"])
    rows.append(["total", "", "", f"{found['numbers']:,}"])
    print(table(["layer", "made with", "arrays", "numbers"], rows, left=3))
    optimizer = found["optimizer"]
    if optimizer is not None:
        numbers = {k: v for k, v in optimizer.items() if k not in ("class", "iter", "states")}
        shown = ", ".join(
            f"{name}={_short(value)}" for name, value in numbers.items() if value is not None
        )
        print(
            f"\noptimizer {optimizer.get('class')}({shown}), {optimizer.get('iter'):,} updates, "
            f"{found['optimizer_numbers']:,} numbers of its own"
        )
    if found["pipeline"] is not None:
        print("\n" + "\n".join(_pipeline(found["pipeline"])))


def _short(value: Any) -> str:
    if isinstance(value, dict):  # a schedule
        inside = ", ".join(f"{k}={_short(v)}" for k, v in value.items() if k != "class")
        return f"{value.get('class')}({inside})"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _pipeline(described: Any) -> list[str]:
    from fastnet.cli.messages import BadInput
    from fastnet.cli.pipeline import read_pipeline

    try:
        pipeline = read_pipeline(described)
    except ValueError as error:
        raise BadInput(f"the model must be whole: {error}.") from None
    of = f" of {pipeline.target!r}" if pipeline.target else ""
    lines = [f"task      {pipeline.task}{of}"]
    if pipeline.labels:
        lines.append(f"labels    {listed([str(label) for label in pipeline.labels])}")
    elif pipeline.deviation != 1 or pipeline.mean != 0:
        lines.append(
            f"target    mean {pipeline.mean:g}, deviation {pipeline.deviation:g}, in which the "
            "loss is"
        )
    if pipeline.kind == "images":
        height, width, channels = pipeline.shape
        colour = "grey" if channels == 1 else "RGB"
        resized = ", others are resized" if pipeline.resized else ""
        lines.append(f"images    {width}x{height}, {colour}, 0 to {pipeline.top}{resized}")
        return lines
    rows = []
    for one in pipeline.columns:
        if one["kind"] == "number":
            what = f"mean {one['mean']:g}, deviation {one['deviation']:g}, median {one['median']:g}"
            missing = "median, with an indicator" if one["indicator"] else "median"
        else:
            what = listed(one["values"])
            missing = "a value of its own" if one["missing"] else "refused"
        rows.append([one["name"], one["kind"], what, missing])
    lines.append("\n" + table(["column", "kind", "learnt in training", "where missing"], rows, 4))
    if pipeline.dropped:
        lines.append(f"\ndropped   {listed(pipeline.dropped)}")
    return lines
