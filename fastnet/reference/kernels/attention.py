"""Attention by inner products."""

import numpy as np

from .softmax import softmax_backward, softmax_forward


def weight_sum_forward(hs, a, out):
    """Write out = a @ hs: sums of the encoder's steps by given weights."""
    out[...] = a @ hs


def weight_sum_backward(hs, a, dout, dhs, da):
    """Write the gradients of the steps and of the weights."""
    dhs[...] = a.swapaxes(1, 2) @ dout
    da[...] = dout @ hs.swapaxes(1, 2)


def attention_weight_forward(hs, h, a):
    """Write a = softmax of the inner products of the decoder's steps with the encoder's."""
    softmax_forward(h @ hs.swapaxes(1, 2), a)


def attention_weight_backward(hs, h, a, da, ds, dhs, dh):
    """Write the gradients of the inner products, of the encoder's steps and of the decoder's."""
    softmax_backward(a, da, ds)
    dhs[...] = ds.swapaxes(1, 2) @ h
    dh[...] = ds @ hs


def attention_forward(hs, h, a, out):
    """Write the weights and the sums by them."""
    attention_weight_forward(hs, h, a)
    weight_sum_forward(hs, a, out)


def attention_backward(hs, h, a, dout, ds, dhs, dh):
    """Write the gradients of the inner products, of the encoder's steps and of the decoder's."""
    through_sums, da = np.empty_like(hs), np.empty_like(a)
    weight_sum_backward(hs, a, dout, through_sums, da)
    attention_weight_backward(hs, h, a, da, ds, dhs, dh)
    dhs += through_sums
