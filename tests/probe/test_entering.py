"""A place where the credentials may not work is refused before any check, with the reason, and nothing stays there."""

import pytest

from portable.backends.location import Location
from portable.errors import ConfigurationError, RefusedError, Unavailable
from portable.probe import probe
from tests.probe.servers import environment, probed
from tests.servers import Azurite, SeaweedFS
from tests.servers.fault_proxy import FaultProxy
from tests.servers.faults import Rule, Status


class Otherwise:
    """A server reached with other variables."""

    def __init__(self, *variables: dict[str, str]) -> None:
        self._variables = variables

    def env(self, _prefix: str) -> dict[str, str]:
        return {name: value for found in self._variables for name, value in found.items()}


def keys(server: SeaweedFS, bucket: str) -> list[str]:
    return [entry["Key"] for entry in server.client.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_credentials_that_may_only_read_are_refused(seaweedfs: SeaweedFS, bucket: str) -> None:
    with pytest.raises(RefusedError, match=r"may not write.*403 AccessDenied.*nothing was written"):
        probed("", Otherwise(seaweedfs.reader_env("PROBED_")), f"s3://{bucket}")
    assert keys(seaweedfs, bucket) == []


def test_a_wrong_secret_is_refused_and_not_shown(seaweedfs: SeaweedFS, bucket: str) -> None:
    wrong = "wrong-" + seaweedfs.secret_key
    variables = seaweedfs.env("PROBED_") | {"PROBED_AWS_SECRET_ACCESS_KEY": wrong}
    with pytest.raises(RefusedError, match="credentials are not known there") as refused:
        probed("", Otherwise(variables), f"s3://{bucket}")
    assert wrong not in str(refused.value)
    assert seaweedfs.access_key not in str(refused.value)
    assert keys(seaweedfs, bucket) == []


def test_a_bucket_that_is_not_there_is_refused(seaweedfs: SeaweedFS) -> None:
    with pytest.raises(RefusedError, match="no such bucket"):
        probed("", seaweedfs, "s3://nobody-made-it")


@pytest.mark.parametrize(
    ("status", "code"), [(507, "InsufficientStorage"), (403, "QuotaExceeded"), (400, "StorageCapacityExceeded")]
)
def test_a_full_bucket_is_refused(status: int, code: str, seaweedfs: SeaweedFS, bucket: str) -> None:
    with FaultProxy(seaweedfs.endpoint) as proxy:
        proxy.rules.append(Rule(Status(status, code), "PUT"))
        there = Otherwise(seaweedfs.env("PROBED_"), {"PROBED_AWS_ENDPOINT_URL": proxy.endpoint})
        with pytest.raises(RefusedError, match=f"no room.*{status} {code}"):
            probed("", there, f"s3://{bucket}")
    assert keys(seaweedfs, bucket) == []


@pytest.mark.parametrize(("method", "target", "right"), [("GET", "/entry$", "read"), ("GET", "list-type", "list")])
def test_a_right_that_is_missing_is_named(method: str, target: str, right: str, seaweedfs: SeaweedFS, bucket: str) -> None:
    with FaultProxy(seaweedfs.endpoint) as proxy:
        proxy.rules.append(Rule(Status(403, "AccessDenied"), method, target))
        there = Otherwise(seaweedfs.env("PROBED_"), {"PROBED_AWS_ENDPOINT_URL": proxy.endpoint})
        with pytest.raises(RefusedError, match=rf"may write, and not {right} \(403 AccessDenied\)"):
            probed("", there, f"s3://{bucket}")
    assert keys(seaweedfs, bucket) == []


def test_what_cannot_be_deleted_is_named(seaweedfs: SeaweedFS, bucket: str) -> None:
    with FaultProxy(seaweedfs.endpoint) as proxy:
        proxy.rules.append(Rule(Status(403, "AccessDenied"), "DELETE"))
        there = Otherwise(seaweedfs.env("PROBED_"), {"PROBED_AWS_ENDPOINT_URL": proxy.endpoint})
        with pytest.raises(RefusedError) as refused:
            probed("", there, f"s3://{bucket}")
    (left,) = keys(seaweedfs, bucket)
    assert f"{left} is left there" in str(refused.value)


def test_a_host_that_is_not_there_is_unavailable(seaweedfs: SeaweedFS) -> None:
    with FaultProxy(seaweedfs.endpoint) as proxy:
        gone = proxy.endpoint
    with pytest.raises(Unavailable):
        probed("", Otherwise(seaweedfs.env("PROBED_"), {"PROBED_AWS_ENDPOINT_URL": gone}), "s3://bucket")


def test_a_check_that_does_not_exist_is_refused_before_anything_is_sent(seaweedfs: SeaweedFS) -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'tagging'"):
        probed("", seaweedfs, "s3://nobody-made-it", only=["taging"])


def test_a_token_of_azure_that_may_only_read_is_refused(azurite: Azurite, container: str) -> None:
    with pytest.raises(RefusedError, match="may not write"):
        probed("", Otherwise(azurite.reader_env("PROBED_")), f"az://{container}")
    assert list(azurite.client.get_container_client(container).list_blobs(include=["uncommittedblobs"])) == []


@pytest.mark.parametrize(("status", "code"), [(301, "PermanentRedirect"), (400, "AuthorizationHeaderMalformed")])
def test_a_bucket_of_another_region_is_refused(status: int, code: str, seaweedfs: SeaweedFS, bucket: str) -> None:
    with FaultProxy(seaweedfs.endpoint) as proxy:
        proxy.rules.append(Rule(Status(status, code), "PUT"))
        there = Otherwise(seaweedfs.env("PROBED_"), {"PROBED_AWS_ENDPOINT_URL": proxy.endpoint})
        with pytest.raises(RefusedError, match=rf"in another region.*{code}"):
            probed("", there, f"s3://{bucket}")


def test_a_lock_has_to_be_allowed(seaweedfs: SeaweedFS) -> None:
    with pytest.raises(ConfigurationError, match="allow it"):
        probed("", seaweedfs, "s3://nobody-made-it", only=["object-lock"])


@pytest.mark.parametrize("url", ["file:///tmp", "memory://lake"])
def test_a_store_of_this_machine_has_nothing_to_probe(url: str) -> None:
    with environment({}), pytest.raises(ConfigurationError, match="no store that can be probed"):
        probe(Location(url))
