"""What sizes a kernel's arrays have: families of kernels that share them, a letter each."""

from typing import NamedTuple


class Family(NamedTuple):
    """Kernels whose arrays have the same shapes."""

    shape: tuple  # when none is asked for
    axes: dict  # argument, or number of dimensions -> the sizes, a letter each; 1 is one


# What --shape names -> its family, whose sizes may be expressions. P is the number of elements: an
# array of any shape.
FAMILIES = {
    "P": Family((128, 512), {1: "P", 2: "1P"}),
    "N C": Family((128, 512), {1: "N", 2: "NC"}),
    "N D": Family((128, 512), {1: "D", 2: "ND"}),
    "V H N": Family((512, 512, 128), {1: "N", 2: "NH", "W": "VH", "dW": "VH"}),
    "V N": Family((1024, 100_000), {1: "V", 2: "VV", "corpus": "N"}),
    "N V H": Family(
        (128, 512, 512),
        {1: "N", 2: "NH", "W": "VH", "dW": "VH", "out": "N1", "dout": "N1"},
    ),
    "N T S H": Family(
        (128, 29, 10, 256),
        {3: "NSH", "hs": "NTH", "dhs": "NTH", "a": "NST", "da": "NST", "ds": "NST"},
    ),
    "A B C": Family((128, 4, 128), {2: "AC", 3: "ABC"}),
    # Images, and windows of 2 x 2 pixels side by side: Y rows of X.
    "N H W C": Family((100, 24, 24, 30), {4: "NYXC", "x": "NHWC", "dx": "NHWC"}),
    "N D M": Family(
        (128, 512, 512), {1: "M", 2: "NM", "x": "ND", "dx": "ND", "W": "DM", "dW": "DM"}
    ),
    # A convolution of images H x H in G groups, with a kernel K x K and its padding.
    "N H C M K G": Family(
        (16, 14, 16, 32, 3, 1),
        {
            **{1: "M", "x": "NHHC", "dx": "NHHC", 4: "NHHM"},
            **dict.fromkeys(("W", "dW"), ("K", "K", "C // G", "M")),
        },
    ),
    "N T D H": Family(
        (20, 35, 100, 100),
        {
            **{"x": "NTD", "dx": "NTD", "out": "NTH", "dout": "NTH"},
            **{"h": "NH", "c": "NH", "dh": "NH", "dc": "NH"},
            "work": ("N*T*(D + 7*H) + 4*N*H + 128",),
            "panel": ("(4*H + 64)*(max(D, H) + 16)",),
        },
    ),
    "N H C K": Family((16, 28, 4, 5), {4: "NCHH"}),  # the windows of such images
    "N D H C": Family((32, 64, 32, 10), {}),  # two dense layers, one batch: see `network`
}
