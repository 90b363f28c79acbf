"""Kernels that check what the others leave to the API, and return whether they ran.

They look at shapes, labels and overlap, and `exact` has the dispatcher look at the rest but for the
byte order and the class of an array, which are left to their callers.

They are for steps by hand on small arrays, where calls and checks in Python are dearer than the
work: the gradient of 64-32-10 on 32 rows takes eight kernels 5 us, and between them went 18.
"""

from .arrays import address_of
from .layers import affine_layer_backward, affine_layer_forward, softmax_with_loss_forward
from .networks import two_layer_gradient
from .targets import all_between, all_either, copy_labels, one_hot_labels
from .updates import (
    affine_sgd_update,
    array_sgd_update,
    three_layer_sgd_update,
    two_layer_sgd_update,
)
from .weights import weighted_loss
