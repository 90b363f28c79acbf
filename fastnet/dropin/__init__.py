"""fastnet's kernels under scripts that are written against the textbooks' package `common`.

    fastnet run script.py           # from the shell
    fastnet.dropin.install()        # from code and notebooks, before `common` is imported

The script and its folder stay as they are. Its own `common.layers` and so on are imported, and run
as they are until the script has asked for as much work as makes the kernels' start worth while: a
count of elements and products (known.py), the same in every run, so that results stay the same to
the bit from run to run. From that call on kernels take the place of the methods and functions that
fastnet has. They are exchanged in the script's own classes, so that objects, subclasses and names
that it has taken go on as what they were, with the state that its own code left in them. A call
with arguments that no kernel takes, such as lists or integers, is answered by the script's own.

Readers call the package something else, and change what is in it; other things have the names of
the books, too. So the modules of a script are looked at wherever they lie, and under `fastnet run`
its own file (script.py); and a name is replaced only where its constructor and methods take as many
arguments as in the book, and where it gives the same numbers as fastnet's on a small example, also
where both answer its calls in turn; that tells the two books' editions apart. One with a number
that makes no difference there stays the script's own (idle.py). The example is calculated at the
first call of a name after there is enough work.

The second book's layers of sequences keep a layer for every step. Where kernels take all steps in
one call, those layers are made by the script's own code if somebody looks (later.py): as forward
leaves them, without the gradients that backward would write into each.
"""

from fastnet.dropin.hook import install, report, uninstall

__all__ = ["install", "report", "uninstall"]
