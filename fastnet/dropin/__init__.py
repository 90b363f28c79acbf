"""fastnet's kernels under scripts that are written against the textbooks' package `common`.

    fastnet run script.py           # from the shell
    fastnet.dropin.install()        # from code and notebooks, before `common` is imported

The script and its folder stay as they are. Its own `common.layers` and so on are imported and
executed; then the classes and functions that fastnet has are put in the place of the script's own,
each a subclass or a wrapper of it. A call with arguments that no kernel takes, such as lists or
integers, is answered by the script's own code.

Other packages are called `common`, too, and readers change theirs. So a name is replaced only where
its constructor and methods take the arguments that they take in the book, and where it gives the
same numbers as fastnet's on a small example; that also tells the two books' editions apart.
"""

from fastnet.dropin.hook import install, report, uninstall

__all__ = ["install", "report", "uninstall"]
