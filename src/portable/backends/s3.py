"""S3-compatible hosts: the data path by requests of our own, boto3 for what is rare."""

from collections.abc import Iterator
from functools import partial

from typing_extensions import Buffer

from portable.backends import boto3_edge, s3_upload
from portable.backends.answers import describe
from portable.backends.credentials import S3Credentials, s3_credentials
from portable.backends.extras import Lazy
from portable.backends.key_rules import check_range, check_text
from portable.backends.levels import check_level
from portable.backends.location import Location
from portable.backends.pacing import Pace
from portable.backends.protocol import ANY, Attributes, Expectation, Fetched, Folder, Stat, Unfinished, Upload
from portable.backends.resident import Resident
from portable.backends.s3_checksums import sum_of
from portable.backends.s3_features import S3Features
from portable.backends.s3_folders import Folders
from portable.backends.s3_listing import S3Listing
from portable.backends.s3_rules import Rules
from portable.backends.s3_versioning import Versioning
from portable.backends.s3_wire import S3Wire
from portable.backends.storage_classes import chosen_class
from portable.backends.traits import contract
from portable.errors import InvalidKey, NotFound, PortableError, Unavailable, Unsupported


class S3Backend(Resident):
    """One bucket and prefix of an S3-compatible host. Every request is sent once.

    What the host can do is what the contract of `Location.provider` says, and Amazon's where none is named. Hosts that ignore
    conditions or checksums exist: name them.
    """

    def __init__(self, location: Location, credentials: S3Credentials, *, bound: float = 60.0) -> None:
        """`bound` is that of one request, in seconds. Raises: ConfigurationError."""
        self.url, self.bound = location.url, bound
        self._bucket, self._prefix = location.container, location.prefix
        self._contract = location.contract or contract(location.provider)
        storage_class = chosen_class(location.storage_class, self._contract.storage, url=self.url)
        self._rules = Rules(self.url, self._prefix, self._contract, storage_class)
        self.capabilities = self._rules.capabilities()
        pace = Pace(self._contract.rates, url=self.url, most=bound / 4)
        self._wire = S3Wire(self._bucket, credentials, self._rules, pace, bound=bound)
        self._listing = S3Listing(self._wire, self._contract.listing, url=self.url, encoded=self._contract.encoded)
        self._client = Lazy(partial(boto3_edge.client, credentials, self._rules, pace, bound=bound))
        self._folders = Folders(self._wire, self._listing, self._rules)
        self._versioning = Versioning(self._client, self._bucket, self._rules)
        self.features = S3Features(self._client, self._wire, self._bucket, self._rules)

    def get(self, key: str, start: int = 0, stop: int | None = None, *, if_match: str | None = None) -> Fetched:
        """See `Backend.get`. Every key can be read that the host answers for as it is, also one that cannot be written."""
        check_range(start, stop)
        try:
            self._check_exact("get", key)
            return self._wire.get(self._prefix + key, start, stop, if_match, key=key)
        except Unsupported as error:
            raise self._not_taken("get", key, error) from None

    def stat(self, key: str) -> Stat:
        """See `Backend.stat`."""
        try:
            self._check_exact("stat", key)
            return self._wire.stat(self._prefix + key, key=key)
        except Unsupported as error:
            raise self._not_taken("stat", key, error) from None

    def put(self, key: str, data: Buffer, *, expect: Expectation = ANY, attributes: Attributes | None = None) -> Stat:
        """See `Backend.put`. Corrupt, where the host only tells a checksum: then altered bytes may stand at the key."""
        self._rules.check_write(key, attributes)
        self._rules.check_condition("put", key, expect)
        if expect != ANY:
            self._versioning.check("put", key)
        self._folders.check("put", key)
        view = memoryview(data).cast("B")
        check = sum_of(view, self._contract.put, signed=self._contract.payload == "signed")
        try:
            return self._wire.put(self._prefix + key, view, check, self._rules.sent(expect), attributes, key=key)
        except Unavailable as error:
            self._folders.explain("put", key, error)
            raise

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """See `Backend.list`. Keys are exact, also those that cannot be written."""
        check_text(prefix, url=self.url)
        return self._listing.objects(self._prefix, prefix)

    def children(self, prefix: str = "") -> Iterator[Stat | Folder]:
        """See `Backend.children`."""
        check_level(prefix, url=self.url)
        return self._listing.children(self._prefix, prefix)

    def inventory(self) -> Iterator[Stat]:
        """See `Backend.inventory`. Details: `storage_class`, `checksum_algorithm`, `checksum_type`, `is_directory_stub`."""
        return self._listing.inventory(self._prefix)

    def delete(self, key: str, *, expect: Expectation = ANY) -> None:
        """See `Backend.delete`. Under a condition, also a key with nothing at it is PreconditionFailed."""
        self._rules.check_write(key, None)
        self._rules.check_condition("delete", key, expect)
        if expect != ANY:
            self._versioning.check("delete", key)
        if self._folders.is_below_file(key):
            return
        try:
            self._wire.delete(self._prefix + key, self._rules.sent(expect), key=key)
        except Unavailable as error:
            if not self._folders.is_folder(key, error):
                raise

    def begin(self, key: str, *, attributes: Attributes | None = None) -> Upload:
        """See `Backend.begin`."""
        self._rules.check_write(key, attributes)
        return s3_upload.begin(self._place(key), attributes)

    def resume(self, key: str, token: str, *, attributes: Attributes | None = None) -> Upload:
        """See `Backend.resume`. Parts whose checksum the host does not tell lower what the commit has confirmed."""
        self._rules.check_write(key, attributes)
        return s3_upload.resume(self._place(key), token)

    def unfinished(self) -> Iterator[Unfinished]:
        """See `Backend.unfinished`."""
        return self._listing.uploads(self._prefix)

    def close(self) -> None:
        """See `Backend.close`."""
        self._wire.close()
        self._client.close()

    def _not_taken(self, operation: str, key: str, error: Unsupported) -> PortableError:
        """Return InvalidKey where the host takes the key for none: that is a 400, and of a HEAD no body says more."""
        if self._rules.is_plain(key):
            return error
        return InvalidKey(f"{describe(operation, key, self.url)}: the host takes no such key")

    def _check_exact(self, operation: str, key: str) -> None:
        """Raise InvalidKey for no key of this host's, NotFound where it would answer for another key."""
        if self._rules.is_plain(key) or self._contract.keys.exact:
            return
        if "//" in f"/{key}":  # such hosts never hold these, and list them under the wrong name too
            raise NotFound(f"{describe(operation, key, self.url)}: the host has no empty segments")
        page = self._listing.inventory(self._prefix, key).page()
        if not any(stat.key == key for stat in page or ()):
            raise NotFound(f"{describe(operation, key, self.url)}: nothing is listed there")

    def _place(self, key: str) -> s3_upload.Place:
        return s3_upload.Place(self._wire, self._rules, self._folders, self._prefix + key, key)


def open_s3(location: Location, bound: float) -> S3Backend:
    """Open an `s3:` location. Raises: ConfigurationError."""
    return S3Backend(location, s3_credentials(location), bound=bound)
