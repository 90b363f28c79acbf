"""Attention by inner products: what a step of a decoder reads from all steps of an encoder.

All steps of the decoder go through one call, sample by sample: of 29 steps of 256 units, 30 KB, the
encoder's half of the products stays in the cache between them.
"""

from ._compile import cube, helper, jit
from .activations import IDENTITY
from .blocking import BITS, PANEL_BYTES
from .gemm import gemm
from .simd import lanes, offset, pointer, scalar, stack_buffer
from .softmax import gradient_of, softmax_of
from .sweep import copy, put_all, read_in_order


@helper
def _rows_by_rows(m, n, depth, a, b, c):
    """c (m, n) = a @ b.T on pointers: rows of a (m, depth) by rows of b (n, depth)."""
    one = scalar(a, 1.0)
    gemm(m, n, depth, a, depth, 1, b, 1, depth, c, False, one, c, n, IDENTITY, IDENTITY, c)


@helper
def _weighted_rows(m, n, depth, a, b, c):
    """c (m, n) = a @ b on pointers: sums of the rows of b (depth, n), weighted by rows of a."""
    one = scalar(a, 1.0)
    gemm(m, n, depth, a, depth, 1, b, n, 1, c, False, one, c, n, IDENTITY, IDENTITY, c)


@helper
def _weighted_by_columns(m, n, depth, a, b, add, c):
    """c (m, n) = a.T @ b on pointers, added to c where `add` is true; a is (depth, m)."""
    one = scalar(a, 1.0)
    gemm(m, n, depth, a, 1, m, b, n, 1, c, add, one, c, n, IDENTITY, IDENTITY, c)


@jit(cube, cube, cube)
def weight_sum_forward(hs, a, out):
    """Sums of the encoder's steps by given weights.

        out[n, s] = sum over t of a[n, s, t] * hs[n, t]

    Parameters
    ----------
    hs : (N, T, H) float32 or float64, C-contiguous
        The encoder's steps.
    a : (N, S, T), same dtype, C-contiguous
        Weights of each of the decoder's steps.
    out : (N, S, H), same dtype, C-contiguous
        Overwritten. Must not overlap an input.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 8.1.2.
    """
    (n, t, width), s = hs.shape, a.shape[1]
    p, q, c = pointer(hs), pointer(a), pointer(out)
    for i in range(n):
        _weighted_rows(
            s, width, t, offset(q, i * s * t), offset(p, i * t * width), offset(c, i * s * width)
        )


@jit(cube, cube, cube, cube, cube)
def weight_sum_backward(hs, a, dout, dhs, da):
    """Gradient of the weighted sums.

        dhs[n, t] = sum over s of a[n, s, t] * dout[n, s]
        da[n, s, t] = dout[n, s] @ hs[n, t]

    Parameters
    ----------
    hs : (N, T, H) float32 or float64, C-contiguous
    a : (N, S, T), same dtype, C-contiguous
    dout : (N, S, H), same dtype, C-contiguous
    dhs : (N, T, H), same dtype, C-contiguous
        Overwritten, like da. Neither may overlap an input.
    da : (N, S, T), same dtype, C-contiguous

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 8.1.2.
    """
    (n, t, width), s = hs.shape, a.shape[1]
    p, q, g, dp, dq = pointer(hs), pointer(a), pointer(dout), pointer(dhs), pointer(da)
    for i in range(n):
        x, weights = offset(p, i * t * width), offset(q, i * s * t)
        rows = offset(g, i * s * width)
        _weighted_by_columns(t, width, s, weights, rows, False, offset(dp, i * t * width))
        _rows_by_rows(s, t, width, rows, x, offset(dq, i * s * t))


@jit(cube, cube, cube)
def attention_weight_forward(hs, h, a):
    """Weights of the encoder's steps: the softmax of their inner products with the decoder's.

        a[n, s] = softmax over t of hs[n, t] @ h[n, s]

    Parameters
    ----------
    hs : (N, T, H) float32 or float64, C-contiguous
        The encoder's steps, at least one.
    h : (N, S, H), same dtype, C-contiguous
        The decoder's.
    a : (N, S, T), same dtype, C-contiguous
        Overwritten. Must not overlap an input.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 8.1.3.
    """
    (n, t, width), s = hs.shape, h.shape[1]
    p, q, c = pointer(hs), pointer(h), pointer(a)
    for i in range(n):
        weights = offset(c, i * s * t)
        _rows_by_rows(s, t, width, offset(q, i * s * width), offset(p, i * t * width), weights)
        softmax_of(s * t, t, weights, weights)


@jit(cube, cube, cube, cube, cube, cube, cube)
def attention_weight_backward(hs, h, a, da, ds, dhs, dh):
    """Gradient of the weights.

        ds = a * (da - sum over t of a * da)
        dhs[n, t] = sum over s of ds[n, s, t] * h[n, s]
        dh[n, s] = sum over t of ds[n, s, t] * hs[n, t]

    Parameters
    ----------
    hs : (N, T, H) float32 or float64, C-contiguous
    h : (N, S, H), same dtype, C-contiguous
    a, da : (N, S, T), same dtype, C-contiguous
        Weights of the forward pass, and upstream gradient.
    ds : (N, S, T), same dtype, C-contiguous
        Overwritten, like dhs and dh: the gradient of the inner products. May be da; else outputs
        must not overlap an input.
    dhs : (N, T, H), same dtype, C-contiguous
    dh : (N, S, H), same dtype, C-contiguous

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 8.1.3.
    """
    (n, t, width), s = hs.shape, h.shape[1]
    p, q, weights, g = pointer(hs), pointer(h), pointer(a), pointer(da)
    slopes, dp, dq = pointer(ds), pointer(dhs), pointer(dh)
    for i in range(n):
        at, wide = i * s * t, i * s * width
        rows = offset(slopes, at)
        gradient_of(s * t, t, offset(weights, at), offset(g, at), rows)
        x, dx = offset(p, i * t * width), offset(dp, i * t * width)
        _weighted_by_columns(t, width, s, rows, offset(q, wide), False, dx)
        _weighted_rows(s, width, t, rows, x, offset(dq, wide))


@jit(cube, cube, cube, cube)
def attention_forward(hs, h, a, out):
    """Attention: the weights of the encoder's steps, and the sums by them.

        a[n, s] = softmax over t of hs[n, t] @ h[n, s]
        out[n, s] = sum over t of a[n, s, t] * hs[n, t]

    Parameters
    ----------
    hs : (N, T, H) float32 or float64, C-contiguous
        The encoder's steps, at least one.
    h : (N, S, H), same dtype, C-contiguous
        The decoder's.
    a : (N, S, T), same dtype, C-contiguous
        Overwritten, like out. Neither may overlap an input.
    out : (N, S, H), same dtype, C-contiguous

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 8.1.4.
    """
    (n, t, width), s = hs.shape, h.shape[1]
    p, q, weights, c = pointer(hs), pointer(h), pointer(a), pointer(out)
    for i in range(n):
        x, rows, wide = offset(p, i * t * width), offset(weights, i * s * t), i * s * width
        step, sums = offset(q, wide), offset(c, wide)
        # What is read and written across comes in order first: 0.7 of the time for 10 steps of 256
        # but for hs, which gained before.
        read_in_order(x, t * width)
        read_in_order(step, s * width)
        _rows_by_rows(s, t, width, step, x, rows)
        softmax_of(s * t, t, rows, rows)
        put_all(sums, s * width, scalar(p, 0.0))
        _weighted_rows(s, width, t, rows, x, sums)


@jit(cube, cube, cube, cube, cube, cube, cube)
def attention_backward(hs, h, a, dout, ds, dhs, dh):
    """Gradient of attention.

        da[n, s, t] = dout[n, s] @ hs[n, t]
        ds = a * (da - sum over t of a * da)
        dhs[n, t] = sum over s of a[n, s, t] * dout[n, s] + ds[n, s, t] * h[n, s]
        dh[n, s] = sum over t of ds[n, s, t] * hs[n, t]

    Parameters
    ----------
    hs : (N, T, H) float32 or float64, C-contiguous
    h : (N, S, H), same dtype, C-contiguous
    a : (N, S, T), same dtype, C-contiguous
        Weights of the forward pass.
    dout : (N, S, H), same dtype, C-contiguous
        Upstream gradient.
    ds : (N, S, T), same dtype, C-contiguous
        Overwritten, like dhs and dh: the gradient of the inner products. No output may overlap an
        input.
    dhs : (N, T, H), same dtype, C-contiguous
    dh : (N, S, H), same dtype, C-contiguous

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 8.1.4.
    """
    (n, t, width), s = hs.shape, h.shape[1]
    p, q, weights, g = pointer(hs), pointer(h), pointer(a), pointer(dout)
    slopes, dp, dq = pointer(ds), pointer(dhs), pointer(dh)
    # dhs is one product of 2 S terms where a and ds, dout and h have room below each other: 0.94
    # of the time of two, which write it twice.
    both, zero = stack_buffer(p, PANEL_BYTES), scalar(p, 0.0)
    shares, room = offset(both, 2 * s * width), PANEL_BYTES // (BITS // 8) * lanes(p)
    fits = 2 * s * (width + t) <= room
    for i in range(n):
        at, wide = i * s * t, i * s * width
        x, dx = offset(p, i * t * width), offset(dp, i * t * width)
        share, slope = offset(weights, at), offset(slopes, at)
        step, dstep, dsum = offset(q, wide), offset(dq, wide), offset(g, wide)
        # What products read and write across comes in order first: 0.75 of the time of 128 samples
        # of 29 steps of 256, which stand in L3.
        read_in_order(x, t * width)
        if fits:
            copy(dsum, both, s * width)
            copy(step, offset(both, s * width), s * width)
        _rows_by_rows(s, t, width, dsum, x, slope)
        gradient_of(s * t, t, share, slope, slope)
        put_all(dstep, s * width, zero)
        _weighted_rows(s, width, t, slope, x, dstep)
        put_all(dx, t * width, zero)
        if fits:
            copy(share, shares, s * t)
            copy(slope, offset(shares, s * t), s * t)
            _weighted_by_columns(t, width, 2 * s, shares, both, False, dx)
        else:
            _weighted_by_columns(t, width, s, share, dsum, False, dx)
            _weighted_by_columns(t, width, s, slope, step, True, dx)
