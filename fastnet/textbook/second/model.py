"""What the networks of the second book have in common: their parameters in a file."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet import weights_file

__all__ = ["BaseModel"]


class BaseModel:
    """A network whose `params` can be written to a file and read from one.

    Attributes
    ----------
    params, grads : lists of arrays
        Those of the layers, which use these very arrays.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, common/base_model.py. The book writes a pickle in
    float16; a pickle may run any code, so files here are safetensors, in the dtype of the arrays.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from fastnet.textbook.second import Rnnlm
    >>> model, other = Rnnlm(50, 8, 8), Rnnlm(50, 8, 8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save_params(os.path.join(folder, "model.safetensors"))
    ...     other.load_params(os.path.join(folder, "model.safetensors"))
    >>> all((a == b).all() for a, b in zip(model.params, other.params))
    True
    """

    params: list[NDArray[Any]]
    grads: list[NDArray[Any]]

    def save_params(self, file_name: str | os.PathLike[str] | None = None) -> None:
        """Write `params` to a file, whole or not at all.

        Parameters
        ----------
        file_name : str or path, optional
            Default: the name of the class, with ".safetensors" at its end. One that exists is
            replaced.

        Raises
        ------
        TypeError, ValueError, FileNotFoundError, IsADirectoryError
            As for `Sequential.save`.

        Examples
        --------
        >>> import os, tempfile
        >>> from fastnet.textbook.second import Rnnlm
        >>> model, again = Rnnlm(5, 4, 4), Rnnlm(5, 4, 4)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save_params(os.path.join(folder, "rnnlm.safetensors"))
        ...     again.load_params(os.path.join(folder, "rnnlm.safetensors"))
        >>> bool((again.params[0] == model.params[0]).all())
        True
        """
        name = type(self).__name__
        arrays = {str(i): self.params[i] for i in self._own()}
        path = f"{name}.safetensors" if file_name is None else file_name
        weights_file.write(f"{name}.save_params", path, arrays, {"textbook": name})

    def load_params(self, file_name: str | os.PathLike[str] | None = None) -> None:
        """Read `params` from a file that `save_params` wrote, into the arrays that there are.

        Parameters
        ----------
        file_name : str or path, optional
            Default: as for `save_params`.

        Raises
        ------
        TypeError, ValueError, FileNotFoundError, IsADirectoryError
            The file is none of these, or its arrays are not those of such a network; nothing has
            changed.
        """
        where, own = f"{type(self).__name__}.load_params", self._own()
        path = f"{type(self).__name__}.safetensors" if file_name is None else file_name
        with weights_file.opened(where, path, "save_params") as (_, file):
            names = [str(i) for i in own]
            if sorted(file.keys()) != sorted(names):
                raise ValueError(
                    f"arrays {', '.join(sorted(file.keys()))}, where this network has "
                    f"{', '.join(names)}"
                )
            found = []
            for i in own:
                array = np.asarray(file.get_tensor(str(i)))
                if array.dtype.kind != "f" or array.shape != self.params[i].shape:
                    raise ValueError(
                        f"array {i} is {array.dtype} {array.shape}, where params[{i}] of this "
                        f"network is {self.params[i].dtype} {self.params[i].shape}"
                    )
                found.append(array)
        for i, array in zip(own, found, strict=True):
            self.params[i][...] = array

    def _own(self) -> list[int]:
        """Return the positions of arrays that are no other's before them, nor its transpose."""
        found: list[int] = []
        for i, param in enumerate(self.params):
            if not any(np.may_share_memory(param, self.params[k]) for k in found):
                found.append(i)
        return found
