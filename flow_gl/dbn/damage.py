"""The one exception for bytes that cannot be DBN, zstd, gzip or CSV, from files and from the live stream alike.

Readers raise `DamageError` with the place and the cause. The code that opened the file or the connection turns it into
the one line that the user sees and keeps everything read before the damage.
"""


class DamageError(Exception):
    """The bytes from here on cannot be trusted.

    Attributes
    ----------
    where : str
        The place, in words: "compressed byte 81,920"; "" where the caller knows it better, or on a live stream.
    what : str
        What was expected and what was found.
    is_truncated : bool
        The bytes are sound but end too early, as after an interrupted write.
    """

    def __init__(self, where: str, what: str, *, is_truncated: bool = False) -> None:
        super().__init__(f"{where}: {what}" if where else what)
        self.where = where
        self.what = what
        self.is_truncated = is_truncated
