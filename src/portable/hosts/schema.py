"""The file of a profile: what may stand in `NAME.toml`, of which type and in which unit. Pure.

Every field holds one claim or several; a claim names its source. Several claims with different values are a conflict, and are
kept. A field that is left out is unknown.
"""

from datetime import date
from typing import Annotated, Generic, Literal, TypeAlias, TypeVar

from msgspec import Meta, Struct

T = TypeVar("T")

Confidence = Literal["primary", "secondary", "unverified"]
"""primary: in the words of whoever is responsible; secondary: read elsewhere; unverified: heard of, and decides nothing."""

Text = Annotated[str, Meta(min_length=1)]
Country = Annotated[str, Meta(pattern="^[A-Z]{2}$")]
Amount = Annotated[int, Meta(ge=0)]
ListVersion = Literal[1, 2]
Addressing = Literal["path", "virtual"]
Held = Literal["held", "in progress", "not held", "other service"]
"""Of a certification: `other service` means that the provider holds it for something else than this object storage."""


class Source(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where claims come from."""

    text: Text
    """What it is, such as `provider documentation`."""
    date: date
    """What the document says of its own age, or else when it was read."""
    confidence: Confidence
    url: str | None = None


class Claim(Struct, Generic[T], frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A value, and who says so."""

    value: T
    source: Text
    """A name under `[sources]` of the same file."""
    regions: tuple[Text, ...] = ()
    """Where it holds; everywhere, if left out."""
    note: Text | None = None


class Price(Claim[float], frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A price without tax, as old as its source."""

    unit: Text
    """Such as `EUR/GB/month`."""


class Certificate(Claim[Held], frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whether a certification is held, and for what."""

    scope: Text
    until: date | None = None
    """The last day on which it is valid."""


Claims: TypeAlias = tuple[Claim[T], ...]


def _field(kind: str, unit: str, words: str) -> Meta:
    return Meta(description=words, extra={"kind": kind, "unit": unit})


def _yes_no(words: str) -> Meta:
    return _field("yes or no", "", words)


def _number(unit: str, words: str) -> Meta:
    return _field("number", unit, words)


def _price(words: str) -> Meta:
    return _field("price", "", words)


def _certificate(words: str) -> Meta:
    return _field("certificate", "", words)


class Service(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the service runs on."""

    runs_on: Annotated[Claims[Text], _field("text", "", "the software behind the service")] = ()
    contract: Annotated[Claims[Text], _field("text", "", "the contract that backends follow with it")] = ()


class Endpoint(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where it answers."""

    url: Annotated[Claims[Text], _field("text", "", "endpoint; {region}, {namespace} and {account} stand for yours")] = ()
    regions: Annotated[Claims[tuple[Text, ...]], _field("texts", "", "regions")] = ()
    addressing: Annotated[Claims[tuple[Addressing, ...]], _field("texts", "", "addressing styles that work")] = ()


class Quirks(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where it differs from Amazon S3, and what works best with it."""

    list_version: Annotated[Claims[ListVersion], _number("", "version of ListObjects that works best")] = ()
    list_url_encode: Annotated[Claims[bool], _yes_no("URL-encoded listings work")] = ()
    etag_is_md5: Annotated[Claims[bool], _yes_no("the ETag of an object written in one request is its MD5")] = ()
    multipart_etag_reliable: Annotated[Claims[bool], _yes_no("the ETag of a multipart object is computed as Amazon does")] = ()
    trailing_checksums: Annotated[Claims[bool], _yes_no("checksums in trailers are accepted")] = ()
    unsigned_payload: Annotated[Claims[bool], _yes_no("payloads need not be signed")] = ()
    signature: Annotated[Claims[tuple[Text, ...]], _field("texts", "", "signature versions that the provider recommends")] = ()


class Limits(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The most, and the least, of everything."""

    max_put_size: Annotated[Claims[Amount], _number("bytes", "largest object written in one request")] = ()
    max_parts: Annotated[Claims[Amount], _number("parts", "parts of one multipart upload")] = ()
    min_part_size: Annotated[Claims[Amount], _number("bytes", "smallest part, but for the last")] = ()
    max_part_size: Annotated[Claims[Amount], _number("bytes", "largest part")] = ()
    max_object_size: Annotated[Claims[Amount], _number("bytes", "largest object")] = ()
    max_buckets: Annotated[Claims[Amount], _number("buckets", "buckets of one account, by default")] = ()
    max_objects_per_bucket: Annotated[Claims[Amount], _number("objects", "objects and versions in one bucket")] = ()
    max_storage: Annotated[Claims[Amount], _number("bytes", "stored bytes of one project, by default")] = ()
    max_key_bytes: Annotated[Claims[Amount], _number("bytes", "longest key, as UTF-8")] = ()
    max_metadata: Annotated[Claims[Amount], _number("bytes", "user metadata of one object")] = ()
    max_tags: Annotated[Claims[Amount], _number("tags", "tags of one object")] = ()
    write_rate: Annotated[Claims[Amount], _number("requests/s", "writes to one bucket (Azure: to one account)")] = ()
    read_rate: Annotated[Claims[Amount], _number("requests/s", "reads from one bucket (Azure: from one account)")] = ()
    object_rate: Annotated[Claims[Amount], _number("requests/s", "requests to one object")] = ()
    connection_rate: Annotated[Claims[Amount], _number("bits/s", "throughput of one connection")] = ()
    upload_seconds: Annotated[Claims[Amount], _number("s", "time within which one upload request must end")] = ()


class Storage(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How it keeps objects."""

    classes: Annotated[Claims[tuple[Text, ...]], _field("texts", "", "storage classes")] = ()


class Features(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What it can do."""

    conditional_create: Annotated[Claims[bool], _yes_no("a write that succeeds only where no object stands")] = ()
    conditional_replace: Annotated[Claims[bool], _yes_no("a write that succeeds only over the version expected")] = ()
    conditional_complete: Annotated[Claims[bool], _yes_no("both conditions when a multipart upload is completed")] = ()
    conditional_delete: Annotated[Claims[bool], _yes_no("a delete of only the version expected")] = ()
    list_v2: Annotated[Claims[bool], _yes_no("ListObjectsV2")] = ()
    checksums: Annotated[Claims[tuple[Text, ...]], _field("texts", "", "checksums that it verifies on arrival")] = ()
    versioning: Annotated[Claims[bool], _yes_no("earlier versions of objects are kept")] = ()
    object_lock: Annotated[Claims[bool], _yes_no("objects that nobody can delete before a date")] = ()
    legal_hold: Annotated[Claims[bool], _yes_no("objects that nobody can delete until the hold ends")] = ()
    tagging: Annotated[Claims[bool], _yes_no("tags on objects")] = ()
    lifecycle: Annotated[Claims[bool], _yes_no("lifecycle rules")] = ()
    bucket_policy: Annotated[Claims[bool], _yes_no("policies on buckets")] = ()
    ip_allow_list: Annotated[Claims[bool], _yes_no("a bucket answers only named networks")] = ()
    customer_keys: Annotated[
        Claims[bool], _yes_no("server-side encryption with keys of the customer (SSE-C, or its like)")
    ] = ()
    key_service: Annotated[
        Claims[bool], _yes_no("server-side encryption with keys of a key service (SSE-KMS, or its like)")
    ] = ()
    access_logs: Annotated[Claims[bool], _yes_no("access logs of a bucket, delivered as objects")] = ()
    replication: Annotated[Claims[bool], _yes_no("replication to another bucket")] = ()


class Jurisdiction(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose law reaches it. Countries by their two letters (ISO 3166-1)."""

    operator: Annotated[Claims[Text], _field("text", "", "the company that the customer contracts with")] = ()
    seat: Annotated[Claims[Country], _field("text", "", "country of that company's registered office")] = ()
    control: Annotated[Claims[Country], _field("text", "", "country of whoever controls that company in the end")] = ()
    countries: Annotated[Claims[tuple[Country, ...]], _field("texts", "", "countries in which the regions store data")] = ()


class Certifications(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What somebody independent has attested. Never inferred: what is not claimed here is unknown."""

    hds: Annotated[tuple[Certificate, ...], _certificate("French hosting of health data (HDS)")] = ()
    secnumcloud: Annotated[tuple[Certificate, ...], _certificate("ANSSI SecNumCloud")] = ()
    c5: Annotated[tuple[Certificate, ...], _certificate("BSI C5")] = ()
    iso_27001: Annotated[tuple[Certificate, ...], _certificate("ISO/IEC 27001")] = ()
    iso_27017: Annotated[tuple[Certificate, ...], _certificate("ISO/IEC 27017")] = ()
    iso_27018: Annotated[tuple[Certificate, ...], _certificate("ISO/IEC 27018")] = ()
    iso_27701: Annotated[tuple[Certificate, ...], _certificate("ISO/IEC 27701")] = ()
    soc_2: Annotated[tuple[Certificate, ...], _certificate("SOC 2")] = ()


class Prices(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What it costs."""

    storage_standard: Annotated[tuple[Price, ...], _price("storage in the standard class")] = ()
    storage_one_zone: Annotated[tuple[Price, ...], _price("storage in one zone")] = ()
    storage_archive: Annotated[tuple[Price, ...], _price("storage in the archive")] = ()
    egress: Annotated[tuple[Price, ...], _price("traffic to the internet, after what is free")] = ()
    egress_free: Annotated[tuple[Price, ...], _price("traffic to the internet that is free")] = ()
    egress_exit: Annotated[tuple[Price, ...], _price("traffic to the internet when the customer leaves")] = ()
    reads: Annotated[tuple[Price, ...], _price("read requests")] = ()
    writes: Annotated[tuple[Price, ...], _price("write requests")] = ()
    retrieval_archive: Annotated[tuple[Price, ...], _price("reading from the archive")] = ()


class ProfileFile(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One file; what it leaves out is unknown, or in a user's file as the shipped profile says."""

    title: Text | None = None
    sources: dict[str, Source] = {}
    service: Service = Service()
    endpoint: Endpoint = Endpoint()
    quirks: Quirks = Quirks()
    limits: Limits = Limits()
    storage: Storage = Storage()
    features: Features = Features()
    jurisdiction: Jurisdiction = Jurisdiction()
    certifications: Certifications = Certifications()
    prices: Prices = Prices()
