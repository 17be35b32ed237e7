"""exp and tanh for compiled loops, as polynomials that the compiler turns into vector instructions.

Numba's wheels bring no vector maths library: `math.exp` in a loop is one slow call per number. These work in float32,
to about two units in the last place; NaN stays NaN, and exp stops at 3.4e38 where NumPy's would overflow.
"""

import numpy as np

LOG2_E = np.float32(1.44269504)
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)  # their sum is ln 2; n · LN2_HIGH is exact
SMALLEST, LARGEST = np.float32(-87.33654), np.float32(88.72283)  # below it eˣ counts as 0, above it as the largest
ONE, TWO, HALF = np.float32(1), np.float32(2), np.float32(0.5)
C2, C3, C4 = np.float32(5.0000001201e-1), np.float32(1.6666665459e-1), np.float32(4.1665795894e-2)
C5, C6, C7 = np.float32(8.3334519073e-3), np.float32(1.3981999507e-3), np.float32(1.9875691500e-4)
SMALL = np.float32(0.625)
T1, T3, T5 = np.float32(-3.33332819422e-1), np.float32(1.33314422036e-1), np.float32(-5.37397155531e-2)
T7, T9 = np.float32(2.06390887954e-2), np.float32(-5.70498872745e-3)


def exp(x):
    """eˣ = 2ⁿ eʳ with n = round(x / ln 2), |r| <= ln 2 / 2, and a polynomial for eʳ (Cephes, expf)."""
    inside = min(max(x, SMALLEST), LARGEST)
    n = np.floor(inside * LOG2_E + HALF)
    r = inside - n * LN2_HIGH - n * LN2_LOW
    p = ((((C7 * r + C6) * r + C5) * r + C4) * r + C3) * r + C2
    whole = np.int32(n)
    half = whole >> np.int32(1)  # 2ⁿ in two factors: 2¹²⁸ alone does not fit
    y = (p * r * r + r + ONE) * power_of_two(half) * power_of_two(whole - half)
    if x >= SMALLEST:
        return y
    return x if x != x else np.float32(0)


def power_of_two(n):
    """2ⁿ for -127 < n < 128: n written into the exponent bits of a float32."""
    return np.int32((n + np.int32(127)) << np.int32(23)).view(np.float32)


def tanh(x):
    """tanh x = 1 - 2 / (e²ˣ + 1); near 0, where that cancels, a polynomial (Cephes, tanhf)."""
    if abs(x) >= SMALL:
        return ONE - TWO / (exp(TWO * x) + ONE)
    z = x * x
    return x + x * z * ((((T9 * z + T7) * z + T5) * z + T3) * z + T1)


def sigmoid(x):
    """σ(x) = 1 / (1 + e⁻ˣ)"""
    return ONE / (ONE + exp(-x))
