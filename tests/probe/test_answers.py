"""Every check answers yes of a server that does what it asks, and no of one that does not."""

import gzip
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import quote, unquote

import pytest

from portable.hosts.checks import CHECKS
from portable.hosts.probe_result import ProbeAnswer
from tests.probe import elsewhere
from tests.probe.conftest import Ask
from tests.probe.liar import Answered, Asked, Forward, Liar, Lie, altered, done_once, refused, told_again
from tests.probe.servers import ALWAYS, probed
from tests.servers import Ceph

NATURAL: Final[Mapping[str, tuple[str, str]]] = {
    "anonymous-refused": ("seaweedfs", "moto"),
    "wrong-secret-refused": ("seaweedfs", "moto"),
    "old-signature-refused": ("seaweedfs", "moto"),
    "presigned": ("seaweedfs", "moto"),
    "presigned-expiry": ("azurite", "moto"),
    "clock": ("seaweedfs", "liar"),
    "tls-1.2": ("elsewhere", "seaweedfs"),
    "plain-http-refused": ("elsewhere", "seaweedfs"),
    "path-addressing": ("seaweedfs", "liar"),
    "virtual-addressing": ("elsewhere", "elsewhere"),
    "conditional-create": ("seaweedfs", "rclone"),
    "conditional-create-race": ("azurite", "liar"),
    "conditional-replace": ("ministack", "rclone"),
    "conditional-replace-race": ("moto", "liar"),
    "quoted-etags": ("seaweedfs", "liar"),
    "conditional-complete": ("seaweedfs", "moto"),
    "conditional-complete-race": ("ministack", "seaweedfs"),
    "conditional-delete": ("moto", "rclone"),
    "conditional-reads": ("juicefs", "rclone"),
    "signed-payload": ("juicefs", "seaweedfs"),
    "unsigned-payload": ("seaweedfs", "liar"),
    "content-md5": ("rclone", "moto"),
    "checksum-crc32": ("seaweedfs", "moto"),
    "checksum-crc32c": ("seaweedfs", "juicefs"),
    "checksum-crc64nvme": ("azurite", "rclone"),
    "checksum-sha1": ("ministack", "moto"),
    "checksum-sha256": ("ministack", "juicefs"),
    "part-signed-payload": ("juicefs", "seaweedfs"),
    "part-content-md5": ("azurite", "moto"),
    "part-checksum-crc64nvme": ("seaweedfs", "moto"),
    "part-checksum-sha256": ("ministack", "rclone"),
    "trailing-checksums": ("seaweedfs", "juicefs"),
    "trailing-checksums-verified": ("ministack", "rclone"),
    "multipart": ("seaweedfs", "liar"),
    "parts-out-of-order": ("seaweedfs", "rclone"),
    "part-again": ("seaweedfs", "rclone"),
    "small-parts-refused": ("seaweedfs", "ministack"),
    "list-parts": ("rclone", "liar"),
    "list-uploads": ("azurite", "liar"),
    "aborted-uploads": ("juicefs", "liar"),
    "etag-is-md5": ("seaweedfs", "azurite"),
    "complete-etag": ("seaweedfs", "rclone"),
    "multipart-etag": ("seaweedfs", "rclone"),
    "list-v1": ("rclone", "liar"),
    "list-v2": ("juicefs", "liar"),
    "list-url-encode": ("ministack", "liar"),
    "listing-pages": ("azurite", "liar"),
    "listing-order": ("moto", "seaweedfs"),
    "read-after-write": ("seaweedfs", "liar"),
    "list-after-write": ("azurite", "liar"),
    "read-after-delete": ("seaweedfs", "liar"),
    "missing-delete": ("seaweedfs", "azurite"),
    "bytes-unchanged": ("ministack", "liar"),
    "ranged-reads": ("seaweedfs", "rclone"),
    "suffix-ranges": ("seaweedfs", "azurite"),
    "range-past-end": ("seaweedfs", "rclone"),
    "metadata": ("azurite", "liar"),
    "long-metadata": ("seaweedfs", "rclone"),
    "metadata-underscores": ("rclone", "liar"),
    "headers": ("seaweedfs", "juicefs"),
    "tagging": ("seaweedfs", "rclone"),
    "versioning": ("ministack", "juicefs"),
    "object-lock": ("ministack", "rclone"),
    "customer-keys": ("seaweedfs", "moto"),
    "long-keys": ("seaweedfs", "liar"),
    "long-segments": ("moto", "seaweedfs"),
    "unicode-keys": ("seaweedfs", "liar"),
    "awkward-keys": ("ministack", "seaweedfs"),
    "slash-keys": ("azurite", "juicefs"),
    "dot-keys": ("moto", "rclone"),
    "punctuated-keys": ("seaweedfs", "liar"),
    "backslash-keys": ("rclone", "azurite"),
    "control-keys": ("ministack", "moto"),
    "normal-form-keys": ("juicefs", "liar"),
    "case-keys": ("seaweedfs", "liar"),
    "folder-keys": ("seaweedfs", "juicefs"),
}
"""A server that does what a check asks, and one that does not: one that tests start, or a liar, or one at another address."""


def _lists(asked: Asked) -> bool:
    return asked.method == "GET" and "prefix=" in asked.target


def _without_its_place(target: str) -> str:
    return re.sub(r"&(continuation-token|marker)=[^&]*", "", target)


def _unpacked(asked: Asked, forward: Forward) -> Answered:
    answered = forward(asked)
    if asked.method == "GET" and answered.body[:2] == b"\x1f\x8b":
        return Answered(answered.status, answered.headers, gzip.decompress(answered.body))
    return answered


def _dated(asked: Asked, forward: Forward) -> Answered:
    answered = forward(asked)
    return Answered(answered.status, {**answered.headers, "date": "Sun, 01 Nov 2026 10:00:00 GMT"}, answered.body)


def _without(name: str) -> Lie:
    def lie(asked: Asked, forward: Forward) -> Answered:
        answered = forward(asked)
        answered.headers.pop(name, None)
        return answered

    return lie


def _normalised(target: str) -> str:
    path, mark, query = target.partition("?")
    return quote(unicodedata.normalize("NFC", unquote(path)), safe="/") + mark + query


def _lower(target: str) -> str:
    path, mark, query = target.partition("?")
    return path.lower() + mark + query


def _racing(asked: Asked, forward: Forward) -> Answered:
    """Honour conditions of one writer after another, and not of several at once."""
    kept = {name: value for name, value in asked.headers.items() if not name.startswith("if-") or "round-" not in asked.target}
    return forward(replace(asked, headers=kept))


LIES: Final[Mapping[str, Lie]] = {
    "clock": _dated,
    **dict.fromkeys(("conditional-create-race", "conditional-replace-race"), _racing),
    "path-addressing": refused(400, lambda asked: asked.method == "GET"),
    "quoted-etags": refused(412, lambda asked: '"' in asked.headers.get("if-match", "")),
    "unsigned-payload": refused(400, lambda asked: asked.headers.get("x-amz-content-sha256") == "UNSIGNED-PAYLOAD"),
    "multipart": refused(400, lambda asked: asked.method == "POST" and "uploadId=" in asked.target),
    "list-parts": refused(501, lambda asked: asked.method == "GET" and "uploadId=" in asked.target),
    "list-uploads": lambda asked, forward: (
        Answered(200, body=b"<ListMultipartUploadsResult/>") if "uploads=&" in asked.target else forward(asked)
    ),
    "aborted-uploads": done_once("DELETE", lambda asked: "uploadId=" in asked.target),
    **dict.fromkeys(("list-v1", "list-v2", "list-url-encode", "listing-pages"), altered(_without_its_place)),
    "read-after-write": told_again("GET", lambda asked: not _lists(asked)),
    "list-after-write": told_again("GET", lambda asked: "list-type=2" in asked.target and "list-after-write" in asked.target),
    "read-after-delete": done_once("DELETE"),
    "bytes-unchanged": _unpacked,
    "metadata": _without("x-amz-meta-commas"),
    "metadata-underscores": _without("x-amz-meta-a_b"),
    "long-keys": refused(400, lambda asked: asked.method == "PUT" and len(asked.target) > 1000),
    "unicode-keys": refused(400, lambda asked: asked.method == "PUT" and "%F0" in asked.target),
    "punctuated-keys": altered(lambda target: target.replace("%2B", "%20")),
    "normal-form-keys": altered(_normalised),
    "case-keys": altered(_lower),
}
"""The servers that nobody has: what a host would do for a check to answer no."""


def test_every_check_is_shown_answering_both_ways() -> None:
    assert set(NATURAL) == set(CHECKS)
    assert {name for name, (_, no) in NATURAL.items() if no == "liar"} == set(LIES)


@pytest.mark.parametrize(("check", "expected"), [(name, answer) for name in NATURAL for answer in ("yes", "no")])
def test_the_answer_of(check: str, expected: ProbeAnswer, outcome_of: Ask, request: pytest.FixtureRequest) -> None:
    server = NATURAL[check][expected == "no"]
    if server == "liar":
        liar: Liar = request.getfixturevalue("liar")
        liar.lie, liar.where = LIES[check], check
        found = probed("moto", liar, f"s3://{liar.server.make_bucket()}", only=[check]).result.checks[check]
    elif server == "elsewhere":
        found = elsewhere.found(check, expected, request)
    else:
        found = outcome_of(server).result.checks[check]
    assert (found.answer, found.evidence) == (expected, found.evidence)


@pytest.mark.parametrize("name", ALWAYS)
def test_no_check_of_a_server_fails(name: str, outcome_of: Ask) -> None:
    assert outcome_of(name).failed == {}


@pytest.mark.parametrize("check", ["tagging", "versioning", "list-uploads", "list-parts", "customer-keys"])
def test_a_right_that_is_missing_says_nothing_of_the_host(check: str, liar: Liar) -> None:
    features = ("tagging=", "versioning=", "uploads=&", "uploadId=")

    def applies(asked: Asked) -> bool:
        asks = asked.method == "GET" or "tagging" in asked.target
        return "x-amz-server-side-encryption-customer-key" in asked.headers or (
            asks and any(feature in asked.target for feature in features)
        )

    liar.lie = refused(403, applies)
    found = probed("moto", liar, f"s3://{liar.server.make_bucket()}", only=[check]).result.checks[check]
    assert (found.answer, "403" in found.evidence) == ("unknown", True)


@pytest.mark.hosts
def test_a_bucket_that_keeps_versions_can_answer_otherwise(ceph: Ceph) -> None:
    bucket = ceph.make_bucket()
    ceph.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    checks = ["versioning", "conditional-create", "conditional-replace"]
    found = probed("ceph", ceph, f"s3://{bucket}", only=checks).result.checks
    assert {name: probed_.answer for name, probed_ in found.items()} == {
        "conditional-create": "no",
        "conditional-replace": "no",
        "versioning": "yes",
    }
