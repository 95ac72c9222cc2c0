"""How a reader says that a file cannot be read on.

Readers raise `DamageError` inside, with the place and the cause; the file's own reader turns it into the one line that
the user sees and keeps what was read before it.
"""


class DamageError(Exception):
    """The bytes from here on cannot be trusted.

    Attributes
    ----------
    where : the place, in words: "compressed byte 81,920"
    what : what was expected and what came
    """

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what
