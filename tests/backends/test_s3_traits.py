"""The files that tell how hosts differ from Amazon S3."""

from pathlib import Path

import pytest

from portable.backends.traits import Contract, Traits, contract, providers, read
from portable.errors import ConfigurationError

PUT_CHECKSUMS = {
    "aws": "crc64nvme",
    "ceph": "sha256",
    "juicefs": "sha256",
    "minio": "crc64nvme",
    "ministack": "md5",
    "moto": "md5",
    "rclone": "md5",
    "scaleway": "crc64nvme",
    "seaweedfs": "crc64nvme",
    "swift": "sha256",
}


def test_every_file_can_be_read() -> None:
    assert {name: contract(name).put for name in providers()} == PUT_CHECKSUMS


def test_without_a_provider_the_contract_is_amazons() -> None:
    assert contract(None) == contract("aws") == Contract()


@pytest.mark.parametrize("name", ["nothing", "", "aws.toml", "AWS"])
def test_an_unknown_provider_is_refused_with_the_names_that_are_known(name: str) -> None:
    with pytest.raises(ConfigurationError, match="aws, ceph"):
        contract(name)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('summary = "x"', "source"),
        ('summary = "x"\nsource = "y"\nprices = 1', "prices"),
        ('summary = "x"\nsource = "y"\n[contract]\nputs = "md5"', "puts"),
        ('summary = "x"\nsource = "y"\n[contract]\nput = "sha1"', r"contract\.put"),
        ('summary = "x"\nsource = "y"\n[contract.parts]\nmost = 0', r"contract\.parts\.most"),
        ('summary = "x"\nsource = "y"\n[contract.conditions]\ncreate = "yes"', r"contract\.conditions\.create"),
        ("summary = ", "Invalid value"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_the_file(text: str, field: str, tmp_path: Path) -> None:
    file = tmp_path / "host.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=f"host.toml: .*{field}"):
        read(file, Traits)
