"""Every quirk that a contract can name is exercised: by a test against a server, or a proxy, that has it."""

import ast
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from portable.backends.traits import Contract, contract, providers

_CLAIMS: Final = "test_s3_claims.py::test_a_put_that_was_altered_on_its_way_is_corrupt"
_PARTS: Final = "test_s3_claims.py::test_a_part_that_was_altered_on_its_way_is_corrupt_and_can_be_sent_again"
_KEYS: Final = "test_keys.py::test_a_key_is_held_as_it_is_or_refused_by_name"
_FOLDERS: Final = "test_s3_folders.py::test_a_key_above_or_below_another_is_invalid_and_nothing_is_lost"
_TIERS: Final = "test_storage_classes.py::test_what_is_written_stands_in_the_class_that_was_asked_for"
_LACKING: Final = "test_s3_manners.py::test_what_a_host_does_not_keep_is_not_asked_of_it"
_PACED: Final = "test_pacing.py::test_every_request_of_a_store_is_counted_those_of_boto3_too"
_VERSIONED: Final = "test_s3_versioning.py::test_a_condition_is_refused_before_it_is_sent_where_versions_are_kept"
_FEW: Final = "test_s3_manners.py::test_an_object_fits_into_as_few_parts_as_the_host_takes"
_TOO_LARGE: Final = "test_s3_manners.py::test_an_object_that_is_too_large_for_the_host_is_refused_before_anything_is_sent"

EXERCISED: Final = {
    "addressing=virtual": "test_s3_manners.py::test_a_host_that_knows_buckets_by_its_name_alone_is_asked_so",
    "listing=1": "test_s3_manners.py::test_a_host_without_the_second_version_of_listings_is_asked_by_the_first",
    "encoded=False": "test_s3_manners.py::test_a_host_whose_encoded_listings_loop_is_asked_for_keys_as_they_are",
    "payload=signed": _CLAIMS,  # JuiceFS, Ceph
    "put=sha256": _CLAIMS,  # JuiceFS
    "put=md5": _CLAIMS,  # MiniStack, moto, rclone
    "conditions.create=False": "test_verbs.py::test_a_create_makes_an_object_or_is_refused_by_the_capability",
    "conditions.replace=False": "test_verbs.py::test_a_replace_takes_the_place_of_its_version_or_is_refused_by_the_capability",
    "conditions.delete=False": "test_verbs.py::test_a_delete_is_refused_where_another_version_stands",
    "conditions.commit=False": "test_verbs.py::test_one_of_many_committers_wins",
    "conditions.versioned=False": _VERSIONED,  # Ceph
    "conditions.quoted=False": "test_verbs.py::test_a_replace_takes_the_place_of_its_version_or_is_refused_by_the_capability",
    "parts.checksum=sha256": _PARTS,  # JuiceFS, MiniStack
    "parts.checksum=md5": _PARTS,  # moto, rclone
    "parts.etag_told=False": "test_s3_claims.py::test_a_commit_confirms_the_whole_object",  # rclone
    "parts.again=False": _PARTS,  # rclone
    "parts.size": _FEW,
    "parts.most": _FEW,
    "parts.smallest": "test_s3_manners.py::test_parts_are_never_smaller_than_the_host_takes_them",
    "parts.largest": _TOO_LARGE,
    "parts.whole": _TOO_LARGE,
    "parts.seconds": "test_s3_manners.py::test_parts_end_before_the_host_cuts_their_requests",
    "keys.longest": _KEYS,  # Ceph, Swift
    "keys.longest_segment": _KEYS,  # SeaweedFS, rclone
    "keys.not_held": _KEYS,  # SeaweedFS, JuiceFS
    "keys.folders=uncommitted": _KEYS,  # SeaweedFS
    "keys.folders=refused": _FOLDERS,  # JuiceFS
    "keys.folders=replaced": _FOLDERS,  # rclone
    "keys.normal=True": _KEYS,  # rclone
    "keys.exact=False": _KEYS,  # SeaweedFS, rclone, JuiceFS
    "held.attributes=False": _LACKING,
    "held.underscores=False": "test_verbs.py::test_a_name_of_metadata_comes_back_or_is_refused",
    "held.tags=False": _LACKING,
    "held.versions=False": _LACKING,
    "held.restore=False": _LACKING,
    "held.locks=False": _LACKING,
    "rates.reads": _PACED,
    "rates.writes": _PACED,
    "storage.classes": "test_storage_classes.py::test_a_host_that_would_ignore_the_class_is_not_asked_for_it",
    "storage.hot": _TIERS,
    "storage.cool": _TIERS,
    "storage.cold": _TIERS,
    "storage.archive": _TIERS,
}
"""By the field of a contract, and its value where it is one of few: the test, in this folder."""


def flat(contract: Contract) -> dict[str, Any]:
    """Return a contract's fields by their paths."""
    found: dict[str, Any] = {}
    for name, value in msgspec.structs.asdict(contract).items():
        if isinstance(value, msgspec.Struct):
            found |= {f"{name}.{field}": inner for field, inner in msgspec.structs.asdict(value).items()}
        else:
            found[name] = value
    return found


def test_every_field_of_a_contract_is_exercised() -> None:
    assert {quirk.partition("=")[0] for quirk in EXERCISED} == set(flat(Contract()))


@pytest.mark.parametrize("name", providers())
def test_every_quirk_of_a_server_is_exercised(name: str) -> None:
    amazons = flat(Contract())
    differing = {path: value for path, value in flat(contract(name)).items() if value != amazons[path]}
    assert [f"{path}={value}" for path, value in differing.items() if not {path, f"{path}={value}"} & set(EXERCISED)] == []


@pytest.mark.parametrize("test", sorted(set(EXERCISED.values())))
def test_the_tests_that_exercise_quirks_exist(test: str) -> None:
    file, _, function = test.partition("::")
    tree = ast.parse((Path(__file__).parent / file).read_text())
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
