"""What every object that holds a secret has in common: it neither shows nor serialises it."""

from typing import NoReturn, SupportsIndex


class KeepsSecrets:
    """Base of objects that hold key material: an opaque `repr`, and no pickling.

    A process that needs the secrets unlocks the keyring itself, so nothing has to carry them to it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} holds secrets and cannot be pickled: unlock the keyring in the process that uses it"
        )
