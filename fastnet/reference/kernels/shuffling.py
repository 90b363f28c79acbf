"""The orders of epochs, those of numpy.random.RandomState, whose generator is handed over."""

import numpy as np


def shuffle_forward(state, order, labels, batch_size, orders):
    """Shuffle an order again and again; what is kept is sorted by labels, batch by batch."""
    generator = np.random.RandomState()
    generator.set_state(("MT19937", state[:-1].astype(np.uint32), int(state[-1]), 0, 0.0))
    for kept in orders:
        generator.shuffle(order)
        kept[:] = order
        for start in range(0, len(order) if labels.size else 0, batch_size):
            batch = kept[start : start + batch_size]
            batch[:] = batch[np.argsort(labels[batch], kind="stable")]
    _, state[:-1], state[-1], *_ = generator.get_state()
