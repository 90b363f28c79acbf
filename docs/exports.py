"""What a package lists in `__all__`, also where its root has none: for the API reference."""

from typing import Any

import griffe


class Exports(griffe.Extension):
    """Puts names in the place of `__all__ += activations.__all__`.

    Griffe does so by itself from the root on, and stops there: `fastnet` has no `__all__`.
    """

    def on_package(self, *, pkg: griffe.Module, loader: griffe.GriffeLoader, **_: Any) -> None:
        """Go on with the packages below."""
        for module in pkg.modules.values():
            if not module.is_alias:
                loader.expand_exports(module)
