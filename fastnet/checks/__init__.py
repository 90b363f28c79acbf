"""The one place that words and raises an error about an argument, and from which warnings come.

`where` is the public name that the user called, `name` the argument's. What a check returns is
fit for a kernel or one `contiguous` away from it: a kernel itself checks nothing.
"""

from fastnet.checks.arrays import *
from fastnet.checks.attributes import *
from fastnet.checks.branches import *
from fastnet.checks.classes import *
from fastnet.checks.convolution import *
from fastnet.checks.habits import *
from fastnet.checks.interchange import *
from fastnet.checks.layers import *
from fastnet.checks.misplaced import *
from fastnet.checks.models import *
from fastnet.checks.names import *
from fastnet.checks.numbers import *
from fastnet.checks.optimizers import *
from fastnet.checks.pooling import *
from fastnet.checks.samples import *
from fastnet.checks.sequences import *
from fastnet.checks.steps import *
from fastnet.checks.textbook import *
from fastnet.checks.values import *
from fastnet.checks.warned import *
