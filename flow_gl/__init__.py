"""flow_gl: the order-flow bubble chart for CME futures. Importing the package is cheap: nothing is loaded here."""

from typing import Final

__version__: Final = "0.1.0"
