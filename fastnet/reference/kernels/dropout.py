"""Dropout; out may be x, and dx may be dout."""

import numpy as np


def dropout_mask(seed, step, ratio, mask):
    """Write mask[i] = 1 where hash(seed, step, i) >= ratio * 2**32, else 0."""
    key = seed % 2**64
    for word in (0x9E3779B97F4A7C15, step % 2**64):
        key = (key + word) % 2**64
        key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        key = (key ^ (key >> 27)) * 0x94D049BB133111EB % 2**64
        key ^= key >> 31
    bits = _mixed(np.arange(mask.size, dtype=np.uint32) ^ np.uint32(key % 2**32))
    bits = _mixed(bits ^ np.uint32(key >> 32))
    mask[...] = (bits >= np.uint32(ratio * 2**32)).reshape(mask.shape)


def dropout_forward(x, mask, scale, out):
    """Write out = x * mask * scale."""
    np.multiply(x, mask * scale, out=out)


def dropout_backward(mask, scale, dout, dx):
    """Write dx = dout * mask * scale."""
    np.multiply(dout, mask * scale, out=dx)


def _mixed(bits):
    bits = (bits ^ (bits >> np.uint32(16))) * np.uint32(0x7FEB352D)
    bits = (bits ^ (bits >> np.uint32(15))) * np.uint32(0x846CA68B)
    return bits ^ (bits >> np.uint32(16))
