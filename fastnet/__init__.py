"""Neural networks as the textbooks write them in NumPy, on SIMD kernels compiled by Numba.

    from fastnet.models import Sequential
    from fastnet.layers import Dense

`fastnet.models`, `fastnet.layers`, `fastnet.losses`, `fastnet.optimizer`
    Networks, and the parts that they are made of.
`fastnet.functions`, `fastnet.datasets`
    Arrays in, arrays out; the digits that ship with fastnet, and MNIST.
`fastnet.kernels`
    The compiled functions, callable from your own `@njit` code.
`fastnet.reference`
    The same names in plain NumPy, to read and to compare with.

Nothing is imported until its module is: `import fastnet` alone costs next to nothing.
"""

import pathlib as _pathlib

__version__ = "0.1.0"

# The kernels stand in ../kernels, which a wheel installs as fastnet/kernels and a checkout reaches
# through a symbolic link. Git without links (Windows) leaves a text file there: look beside it.
_here = _pathlib.Path(__file__).resolve().parent
if not (_here / "kernels").is_dir() and (_here.parent / "kernels" / "simd.py").is_file():
    __path__.append(str(_here.parent))
