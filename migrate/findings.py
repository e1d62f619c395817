"""What a plan can find, as a table: what each finding means, what will happen, and what accepting it does. Data alone."""

from dataclasses import dataclass, field
from typing import Final, Literal

Severity = Literal["blocking", "loss", "notice"]
"""`blocking` stops the migration until it is mended or accepted, `loss` does not reach the target, `notice` is good to know."""
Step = Literal["copy", "cutover"]

EXAMPLES: Final = 5
"""How many keys a finding keeps."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that a plan looks for."""

    id: str
    severity: Severity
    title: str
    meaning: str
    consequence: str
    """What will happen, if nothing is done about it."""
    accepted: str | None = None
    """What happens once a blocking finding is accepted; None where it cannot be accepted."""
    blocks: Step | None = None
    """The first command that a blocking finding stops."""
    leaves: bool = False
    """Accepting it leaves the objects behind: they are skipped, with the finding as the reason."""


@dataclass(slots=True)
class Finding:
    """What was found of one kind."""

    kind: Kind
    objects: int = 0
    bytes: int = 0
    """Sum of their sizes at the source (at the target for what stands there)."""
    unknown: int = 0
    """Objects of which the host did not say whether they are of this kind."""
    examples: list[str] = field(default_factory=list)
    """Up to `EXAMPLES` keys, which can be personal data."""
    note: str | None = None
    """What was seen, where the finding is not about objects."""

    @property
    def found(self) -> bool:
        """Whether there is anything to report."""
        return bool(self.objects or self.unknown or self.note)

    def add(self, key: str, size: int) -> None:
        """Count one object."""
        self.objects += 1
        self.bytes += size
        if len(self.examples) < EXAMPLES:
            self.examples.append(key)


def _blocking(
    id: str,  # noqa: A002  # the field of the table is named so
    title: str,
    meaning: str,
    accepted: str | None,
    *,
    blocks: Step = "copy",
    leaves: bool = False,
    consequence: str | None = None,
) -> Kind:
    stops = f"`portable migrate {blocks}` refuses to start."
    return Kind(id, "blocking", title, meaning, consequence or stops, accepted, blocks, leaves)


_LEFT: Final = "These objects are left behind: each is recorded as skipped, with this finding as the reason."

TABLE: Final[tuple[Kind, ...]] = (
    _blocking(
        "archived",
        "Archived at the source",
        "The objects are in an offline tier. The source cannot hand out their bytes; bringing them online takes up to 15 hours "
        "and costs a retrieval fee, and an early-deletion fee within the tier's minimum stay.",
        _LEFT,
        leaves=True,
    ),
    _blocking(
        "rehydrating",
        "Being rehydrated at the source",
        "The objects are on their way out of an offline tier and cannot be read yet. Plan again when the host has finished.",
        _LEFT,
        leaves=True,
    ),
    _blocking(
        "customer-key",
        "Encrypted with a key that the host does not have",
        "The source encrypts these objects with a key that each request must bring, and the migration has none.",
        _LEFT,
        leaves=True,
    ),
    _blocking(
        "key-invalid",
        "Keys that are not valid text",
        "The keys are not UTF-8, so no volume can hold them unchanged. Rename the objects at the source.",
        _LEFT,
        leaves=True,
    ),
    _blocking(
        "key-too-long",
        "Keys too long for the target",
        "The key, with the target's prefix before it, is longer than the target allows. Rename the objects, or shorten the "
        "prefix.",
        _LEFT,
        leaves=True,
    ),
    _blocking(
        "key-refused",
        "Keys that the target would not keep as they are",
        "Empty segments (`//`, a slash at the start or end), `.` or `..` segments, backslashes and control characters: hosts "
        "reject such keys or change them without a word. Rename the objects at the source.",
        _LEFT,
        leaves=True,
    ),
    _blocking(
        "key-reserved",
        "Keys under .portable/",
        "A volume keeps its own objects under this prefix, so no object of a user can stand there. Rename them at the source.",
        _LEFT,
        leaves=True,
    ),
    _blocking(
        "object-too-large",
        "Larger than one object at the target can be",
        "Encrypted, the objects are longer than what the target takes: as many parts as it allows, of the largest size; or one "
        "conditional PUT, where it commits uploads without a condition.",
        _LEFT,
        leaves=True,
    ),
    _blocking(
        "key-and-folder",
        "A key that is also a folder",
        "A file system cannot hold `foo` beside `foo/x`: one name is either a file or a folder.",
        "One of each such pair is copied, whichever comes first; the other fails, and keeps the cutover from starting.",
    ),
    _blocking(
        "target-occupied",
        "Objects of others at keys that are to be written",
        "Objects stand at the target where this migration will write, and the migration did not write them.",
        "Authentic objects of the volume that an earlier run copied are taken over. Nothing else is overwritten: copying to "
        "such a key fails, and keeps the cutover from starting until they are moved away.",
    ),
    _blocking(
        "target-not-empty",
        "Other objects at the target",
        "Objects stand at the target that this migration did not write. Readers of the volume would come across them.",
        "They stay where they are. `verify` reports them, and the cutover's gate is shut until they are moved away.",
    ),
    _blocking(
        "target-unreadable",
        "The target could not be listed",
        "What stands at the target, and whether it can be reached, is unknown.",
        None,
    ),
    _blocking(
        "target-conditions",
        "No conditional writes at the target",
        "The target cannot refuse a write when another version stands at the key, so a late write of a worker could replace a "
        "newer object. Where nobody knows what it can do, `portable probe URL --keep` finds out.",
        None,
    ),
    Kind(
        "target-deletions",
        "notice",
        "No conditional deletes at the target",
        "The target cannot delete one version of an object alone, so a deletion that is late could hit what a client has "
        "written since.",
        "Nothing is deleted there. Copies of objects that are deleted at the source meanwhile keep the cutover's gate shut, "
        "which names them, until they are deleted by hand.",
    ),
    _blocking(
        "catalog-entry",
        "No usable catalog entry",
        "The catalog has no entry of this volume that the authority has signed, so no client would follow the cutover.",
        None,
        blocks="cutover",
        consequence="Copying and verifying can go on; `portable migrate cutover` refuses until the entry is there.",
    ),
    _blocking(
        "catalog-home",
        "The catalog's home is not the source",
        "Clients of this volume read and write another store than the one that is to be moved.",
        None,
        blocks="cutover",
        consequence="Copying and verifying can go on; `portable migrate cutover` refuses until it is the source.",
    ),
    Kind(
        "snapshots",
        "loss",
        "Snapshots",
        "Read-only copies of earlier states of an object.",
        "Not moved. Each is recorded as skipped.",
    ),
    Kind(
        "versions",
        "loss",
        "Earlier versions",
        "The host keeps versions that were replaced, and markers of deletions.",
        "Only the current version is moved. Each earlier one is recorded as skipped.",
    ),
    Kind(
        "deleted",
        "loss",
        "Soft-deleted objects",
        "Deleted objects that the host still keeps for a while.",
        "Not moved. Each is recorded as skipped.",
    ),
    Kind(
        "special-files",
        "loss",
        "Files that are not plain files",
        "Symbolic links, pipes, sockets and devices. Nothing follows the links.",
        "Not moved. Each is recorded as skipped.",
    ),
    Kind(
        "blob-types",
        "loss",
        "Page and append blobs",
        "Blobs of types that the target does not have.",
        "They become plain objects: pages never written become zeros, and appending is no longer possible.",
    ),
    Kind(
        "tiers",
        "loss",
        "Storage tiers",
        "Objects in another tier than the host's standard one.",
        "The tier is not carried over: at the target all are stored in the storage class that the migration file names, or the "
        "host's standard one. Deleting them at the source within the tier's minimum stay may cost a fee.",
    ),
    Kind(
        "tags",
        "loss",
        "Tags",
        "The host keeps tags beside the objects, where it can search them.",
        "Tags are not moved.",
    ),
    Kind(
        "holds",
        "loss",
        "Legal holds and retention",
        "The host protects these objects from being changed or deleted.",
        "They are copied without the protection, and cannot be deleted at the source until it ends.",
    ),
    Kind(
        "leases",
        "loss",
        "Leased blobs",
        "Someone holds a lease, which keeps others from writing.",
        "They are copied without the lease. Its holder may be a writer that does not follow the catalog.",
    ),
    Kind(
        "copy-pending",
        "notice",
        "Being written by a copy at the source",
        "The host is still copying into these objects, so their bytes are not what they will be.",
        "They are copied as they are read, and again once the host's copy has changed them.",
    ),
    Kind(
        "directory-stubs",
        "notice",
        "Folder markers",
        "Empty objects that stand for folders.",
        "Not moved: keys alone make the folders. Folders without any object in them disappear.",
    ),
    Kind(
        "uncommitted",
        "notice",
        "Uploads that were never committed",
        "Blocks without a blob: nobody can read them.",
        "Not moved. Each is recorded as skipped.",
    ),
    Kind(
        "no-content-md5",
        "notice",
        "No Content-MD5 at the source",
        "The source cannot say what these objects' bytes should be.",
        "They are verified all the same: against the digest that the migration takes as it reads them.",
    ),
    Kind(
        "content-encoding",
        "notice",
        "Stored with a Content-Encoding",
        "The bytes are compressed, and the header tells readers so.",
        "The bytes are moved as they are stored, and the header with them.",
    ),
    Kind(
        "metadata-overflow",
        "notice",
        "Long metadata",
        "Headers and metadata do not fit into the message's own slot.",
        "They lie in an encrypted object of their own under .portable/meta/: one more write, and one more read, for each.",
    ),
    Kind(
        "empty",
        "notice",
        "Empty objects",
        "Objects of 0 bytes.",
        "They are moved like the others.",
    ),
    Kind(
        "normalisation",
        "notice",
        "Keys that look alike",
        "Keys that are equal once their accents are composed (Unicode NFC).",
        "They stay different keys. Tools that normalise names, as some desktops do, may confuse them.",
    ),
    Kind(
        "keyring-locked",
        "notice",
        "The keyring was not unlocked",
        "No passphrase was at hand, so whether it opens, and holds the volume, was not checked. Sizes after encryption assume "
        "frames of the default length.",
        "Set PORTABLE_PASSPHRASE or PORTABLE_PASSPHRASE_FILE and plan again to check it.",
    ),
)

KINDS: Final[dict[str, Kind]] = {kind.id: kind for kind in TABLE}
BLOCKING: Final = frozenset(kind.id for kind in TABLE if kind.accepted is not None)
"""Ids that a migration file may accept."""
