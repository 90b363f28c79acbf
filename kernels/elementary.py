"""exp, log, sigmoid, tanh and the normal distribution of a vector, and exp and log of arrays.

The vector forms take a `simd.Vector` of float32 or float64 and may be called from any jitted
kernel.  exp, sigmoid and tanh share one reduction: x = k ln 2 + r with an integer k and
|r| <= ln(2) / 2, so that exp(x) = 2**k (1 + q) with q = exp(r) - 1 from a polynomial.

Worst errors, in units in the last place, of every float32 from 2**-31 to 2**7 in size (log: of
every one) and of 10**7 float64; the tests measure a sample of both:

            exp    log    sigmoid    tanh
float32     1.02   0.84      1.70    1.34
float64     1.00   0.86      1.74    1.35

`normal_cdf`, which is (1 + erf(x / sqrt 2)) / 2, stays within 5.2 ulp for x < 0, where its value
becomes small (of 6 million float32 5.12, of 24,000 float64 4.66), and within 3 above;
`expm1_of_negative` and `log1p_of_fraction` within 1.5.

All limits hold where a multiply-add is rounded twice (`blocking.FUSED`), too: of 3 million numbers
the worst of sigmoid was 1.66 and 1.68 there, 1.62 and 1.64 with one rounding, the others' as
large or smaller.
"""

from math import inf, nan

from ._compile import AnyShape, helper, jit, vector
from .blocking import FUSED
from .simd import (
    absolute,
    copysign,
    exponent,
    fill,
    fma,
    pick,
    pointer,
    polynomial,
    round_shifted,
    scale_by_power,
    select,
    significand,
    unshift,
)
from .sweep import sweep

LOG2_E = 1.4426950408889634
# ln 2 in two parts (fdlibm): k * LN2_HIGH is exact for every exponent k.
LN2_HIGH_32, LN2_LOW_32 = 6.9314575195e-01, 1.4286067653e-06
LN2_HIGH_64, LN2_LOW_64 = 6.93147180369123816490e-01, 1.90821492927058770002e-10

# exp(x) is normal from LOWEST on and finite up to HIGHEST.
LOWEST_32, HIGHEST_32 = -87.33654022216797, 88.72283172607422
LOWEST_64, HIGHEST_64 = -708.3964185322641, 709.782712893384
SMALLEST_NORMAL_32, SMALLEST_NORMAL_64 = 2.0**-126, 2.0**-1022

# (exp(r) - 1 - r) / r**2 on |r| <= ln(2) / 2: minimax for the relative error of exp(r), which
# is 2**-28.2 and 2**-57.9 (Remez algorithm in 200 bits; the first two coefficients were rounded
# to the dtype and the others fitted to what they leave, for a twentieth of an ulp).
EXP_32 = (
    0.4999999403953552,
    0.16666516661643982,
    0.04166810214519501,
    0.008369195275008678,
    0.0013838993618264794,
)
EXP_64 = (
    0.5000000000000011,
    0.16666666666666438,
    0.0416666666665258,
    0.008333333333473749,
    0.0013888888944857036,
    0.00019841269560335123,
    2.4801491758262148e-05,
    2.7557530811015426e-06,
    2.763074667171392e-07,
    2.5019895494649905e-08,
)

# (log((1 + s) / (1 - s)) / s - 2) / s**2 as a polynomial in s**2: fdlibm's e_log.c, and its
# float32 form in FreeBSD's e_logf.c.
LOG_32 = (0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841)
LOG_64 = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)

# (tanh(x) - x) / x**3 = P(x**2) / Q(x**2) below 0.625: Cephes' tanh.c, Moshier 1995.
TANH_P = (-1.61468768441708447952e3, -9.92877231001918586564e1, -9.64399179425052238628e-1)
TANH_Q = (4.84406305325125486048e3, 2.23548839060100448583e3, 1.12811678491632931402e2, 1.0)

# The tail of the normal distribution: exp(z**2 / 2) (1 + 3 z / 4) * (1 - cdf(z)) is nearly flat,
# and a polynomial in (z - middle) / (z + middle), middle 4 or 6, on 0 <= z <= 13.5 or 38.6. From
# there on exp(-z**2 / 2) is 0. Interpolated at Chebyshev's points in 160 bits: relative errors
# of 2**-29.4 and 2**-57.8. The change of variable is that of Juffa's erfcx.
TAIL_32 = (
    0.37764256526517853, -0.11512703339127599, 0.041594528031893764, 0.0035232383723120364,
    -0.016431935981550946, 0.011331031192758185, -0.00362618119995219, -6.383102528939e-05,
    0.00047549228822129605, -6.204946528306738e-05, -5.311340074201911e-05,
)  # fmt: skip
TAIL_64 = (
    0.35628622878445765, -0.09456820509358278, 0.056316441784440056, -0.02375655003449485,
    0.002099650159544888, 0.00818071534072552, -0.010077939670536554, 0.00772353913239789,
    -0.004440382562698824, 0.0019483786023281049, -0.0006066527647877104, 9.271077790361698e-05,
    2.321882826857909e-05, -1.839358678306668e-05, 3.4285180210092665e-06, 1.1586576731878746e-06,
    -7.212433978450597e-07, 1.5259687992215362e-08, 9.313514190982486e-08, -1.621109165526013e-08,
    -1.0949985933686544e-08, 2.3135221671118497e-09, 1.139818881824472e-09,
)  # fmt: skip


@helper
def _reduce(x):
    """Return k, shifted as `scale_by_power` wants it, and q: exp(x) = 2**k * (1 + q).

    k = 0 and q = x, exactly, for tiny x.
    """
    shifted = round_shifted(LOG2_E * x)
    k = unshift(shifted)
    r = fma(k, -pick(x, LN2_HIGH_32, LN2_HIGH_64), x)
    r = fma(k, -pick(x, LN2_LOW_32, LN2_LOW_64), r)
    return shifted, fma(r * r, polynomial(r, pick(x, EXP_32, EXP_64)), r)


@helper
def exp(x):
    """e**x.

    Overflows to inf; results below the smallest normal number are exactly 0, because
    subnormals slow every later multiplication on some CPUs.  NaN stays NaN.
    """
    shifted, q = _reduce(x)
    # One step reaches both ends of the range: where 2**k alone is too large, 1 + q is below 1.
    y = scale_by_power(1.0 + q, shifted)
    y = select(x < pick(x, LOWEST_32, LOWEST_64), 0.0, y)
    # x + inf is inf above the range and NaN for NaN, which fails every comparison.
    return select(x <= pick(x, HIGHEST_32, HIGHEST_64), y, x + inf)


@helper
def sigmoid(x):
    """1 / (1 + exp(-x)).

    Exactly 0 where the result is below the smallest normal number.  NaN stays NaN.
    """
    # From -x = -80 on down the result is 1; the bound keeps 2**k a normal number.
    shifted, q = _reduce(select(x > 80.0, -80.0, -x))
    s = scale_by_power(fill(x, 1.0), shifted)
    # 1 + exp(-x) = 1 + s + s q, where 1 + s is exact; from about 2**24 on it is not, and 1 joins
    # the smaller term instead: the worst error was 2.4 ulp without.
    one = select(s < 2.0**20, 1.0, 0.0)
    y = 1.0 / ((s + one) + fma(s, q, 1.0 - one))
    return select(x < pick(x, LOWEST_32, LOWEST_64), 0.0, y)


@helper
def tanh(x):
    """Hyperbolic tangent.

    Odd to the bit, so tanh(-0.0) = -0.0; tiny and subnormal x are returned.  NaN stays NaN.
    """
    a = absolute(x)
    shifted, q = _reduce(2.0 * select(a > 24.0, 24.0, a))  # tanh is 1 long before 24
    e = scale_by_power(1.0 + q, shifted)
    z = a * a
    # a + a z P(z) / Q(z) below 0.625, 1 - 2 / (exp(2 a) + 1) above: one division serves both.
    # NaN is not "large", so it stays NaN as a: in e its payload may have become an exponent.
    large = a >= 0.625
    base = select(large, 1.0, a)
    above = select(large, -2.0, a * z * polynomial(z, TANH_P))
    below = select(large, e + 1.0, polynomial(z, TANH_Q))
    return copysign(base + above / below, x)


@helper
def log(x):
    """Natural logarithm, of subnormal x too.

    0 gives -inf, negative numbers NaN, inf inf.  NaN stays NaN.
    """
    subnormal = x < pick(x, SMALLEST_NORMAL_32, SMALLEST_NORMAL_64)
    scaled = select(subnormal, 2.0**54 * x, x)
    k = exponent(scaled) - select(subnormal, 54.0, 0.0)
    y = _log_of_sum(significand(scaled) - 1.0, k)
    return select(x > 0.0, select(x < inf, y, x), select(x == 0.0, -inf, nan))


@helper
def _log_of_sum(f, k):
    """log(1 + f) + k ln 2 for sqrt(1/2) <= 1 + f <= sqrt(2)."""
    # fdlibm's scheme: log(1 + f) = f - (f**2 / 2 - s (f**2 / 2 + R)) with s = f / (2 + f).
    s = f / (2.0 + f)
    z = s * s
    half_square = 0.5 * f * f
    remainder = z * polynomial(z, pick(f, LOG_32, LOG_64))
    low = fma(s, half_square + remainder, k * pick(f, LN2_LOW_32, LN2_LOW_64))
    return fma(k, pick(f, LN2_HIGH_32, LN2_HIGH_64), f - (half_square - low))


@helper
def log1p_of_fraction(x):
    """log(1 + x) for 0 <= x <= 1; exact for tiny x.  NaN stays NaN."""
    large = x > 0.41421356237309503  # sqrt(2) - 1: then 1 + x is twice a number near 1
    return _log_of_sum(select(large, 0.5 * (x - 1.0), x), select(large, fill(x, 1.0), 0.0))


@helper
def expm1_of_negative(x):
    """exp(x) - 1 for x <= 0; exact for tiny x.  NaN stays NaN; x > 0 gives no such number."""
    shifted, q = _reduce(select(x < -80.0, -80.0, x))  # from -80 on down the result is -1
    s = scale_by_power(fill(x, 1.0), shifted)
    return fma(s, q, s - 1.0)


@helper
def _error_of_square(z, square):
    """z * z - square, exactly, for `square` = z * z as it was rounded, and z below 2**63."""
    if FUSED:
        return fma(z, z, -square)
    # Veltkamp's halves of z, whose products are exact, and Dekker's sum of them, in his order.
    scaled = pick(z, 2.0**12 + 1.0, 2.0**27 + 1.0) * z
    high = scaled - (scaled - z)
    low = z - high
    return ((high * high - square) + 2.0 * high * low) + low * low


@helper
def normal_cdf(x):
    """Return the distribution function of the normal distribution, and exp(-x**2 / 2).

        cdf(x) = (1 + erf(x / sqrt(2))) / 2

    Both are 0 where exp(-x**2 / 2) is below the smallest normal number.  NaN stays NaN.
    """
    a = absolute(x)
    z = select(a > pick(x, 14.0, 40.0), pick(x, 14.0, 40.0), a)
    # The rounding of z**2 would make 400 ulp of the last results: carry it on.
    square = z * z
    e = exp(-0.5 * square)
    e = fma(e, -0.5 * _error_of_square(z, square), e)
    # One division for the variable and for the factor 1 + 3 z / 4.
    middle, factor = pick(x, 4.0, 6.0), fma(z, 0.75, fill(x, 1.0))
    inverse = 1.0 / ((z + middle) * factor)
    t = (z - middle) * factor * inverse
    tail = e * (polynomial(t, pick(x, TAIL_32, TAIL_64)) * ((z + middle) * inverse))
    return select(x > 0.0, 1.0 - tail, tail), e


@jit(AnyShape(vector), AnyShape(vector))
def exp_forward(x, out):
    """Exponential: out = exp(x), element by element.

    Parameters
    ----------
    x : any shape, float32 or float64, C-contiguous
        Not changed, unless it is out.
    out : same shape and dtype as x
        Overwritten. May alias x.

    Notes
    -----
    See `exp` for the error and the limits.
    """
    sweep(exp, (pointer(out),), (pointer(x),), 0, x.size, ())


@jit(AnyShape(vector), AnyShape(vector))
def log_forward(x, out):
    """Natural logarithm: out = log(x), element by element.

    Parameters
    ----------
    x : any shape, float32 or float64, C-contiguous
        Not changed, unless it is out.
    out : same shape and dtype as x
        Overwritten. May alias x.

    Notes
    -----
    See `log` for the error and the limits.
    """
    sweep(log, (pointer(out),), (pointer(x),), 0, x.size, ())
