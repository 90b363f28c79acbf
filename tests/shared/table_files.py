"""Tables that a command is trained with."""

import csv

import numpy as np
import pytest

pandas = pytest.importorskip("pandas", reason="the extra tables is not installed")

ROWS = 200


def write(path, table):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([table, *zip(*table.values(), strict=True)])
    return str(path)


def made(n=ROWS, seed=0):
    """Sizes and colours, of which a kind and a price come; some sizes and colours are missing."""
    rng = np.random.default_rng(seed)
    size, weight = rng.normal(50, 20, n), rng.normal(3, 1, n)
    colour = rng.choice(["red", "green", "blue"], n)
    kind = np.where(size + 20 * (colour == "red") > 55, "big", "small")
    price = 3 * size + 100 * (colour == "blue") + weight
    gone = rng.random(n) < 0.1
    return {
        "size": ["" if one else f"{value:.4f}" for one, value in zip(gone, size, strict=True)],
        "weight": weight.tolist(),
        "colour": ["" if one else value for one, value in zip(gone[::-1], colour, strict=True)],
        "code": [f"{i:05}" for i in range(n)],
        "kind": kind.tolist(),
        "price": price.tolist(),
    }


def fresh_rows(tmp_path, **changed):
    rows = {name: values[:6] for name, values in made(seed=1).items() if name in ("size", "weight")}
    rows |= {"colour": ["red", "green", "blue"] * 2} | changed
    return write(tmp_path / "new.csv", {name: rows[name] for name in rows if rows[name]})
