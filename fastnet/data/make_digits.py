"""Makes digits.npz, beside this file. Run once, with scikit-learn; kept to show where it is from.

    python fastnet/data/make_digits.py

The values are those of sklearn.datasets.load_digits. The rows are shuffled by one fixed
permutation and the last 360 of them (a fifth) are held out, here and not at every load, so that
the split can never move with NumPy's random streams. The same input gives the same bytes: zip
entries written by np.savez carry a fixed date.
"""

from importlib import import_module
from pathlib import Path

import numpy as np

HELD_OUT = 360


def main() -> None:
    """Write digits.npz: x_train (1437, 64), t_train, x_test (360, 64), t_test, all uint8."""
    digits = import_module("sklearn.datasets").load_digits()
    x, t = digits.data.astype(np.uint8), digits.target.astype(np.uint8)
    assert x.shape == (1797, 64) and np.array_equal(x, digits.data) and x.max() == 16
    order = np.random.default_rng(0).permutation(len(x))
    train, test = order[:-HELD_OUT], order[-HELD_OUT:]
    np.savez_compressed(
        Path(__file__).with_name("digits.npz"),
        x_train=x[train],
        t_train=t[train],
        x_test=x[test],
        t_test=t[test],
    )


if __name__ == "__main__":
    main()
