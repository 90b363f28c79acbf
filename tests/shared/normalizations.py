"""Sizes and layers of a batch normalization."""

SIZES = [(2, 1), (3, 5), (4, 16), (5, 33), (17, 8), (100, 50), (64, 512)]
