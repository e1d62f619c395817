"""From a `fsspec+PROTOCOL:` location to a filesystem: options from the environment, and their values nowhere else."""

import json
import pickle
import subprocess
import sys
import textwrap

import fsspec
import fsspec.config
import pytest

from portable.backends.fsspec_backend import FsspecBackend
from portable.backends.fsspec_opening import open_fsspec
from portable.backends.location import Location
from portable.errors import ConfigurationError

S3 = {"key": "planted-key", "secret": "planted-secret", "endpoint_url": "http://127.0.0.1:9"}


def opened(url: str, credentials: str = "default") -> FsspecBackend:
    return open_fsspec(Location(url, credentials=credentials), 5.0)


@pytest.fixture
def configuration(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, object]]:
    """Replace fsspec's own configuration by an empty one."""
    monkeypatch.setattr(fsspec.config, "conf", {})
    return fsspec.config.conf  # type: ignore[no-any-return]  # fsspec has no types


def test_the_options_of_a_prefix_reach_the_filesystem_and_show_nowhere(
    monkeypatch: pytest.MonkeyPatch, configuration: dict[str, dict[str, object]]
) -> None:
    monkeypatch.setenv("X_FSSPEC_OPTIONS", json.dumps(S3))
    backend = opened("fsspec+s3://bucket/prefix", "env:X_")
    filesystem = backend._edge.filesystem
    assert (filesystem.key, filesystem.secret) == ("planted-key", "planted-secret")
    assert repr(backend) == "FsspecBackend('fsspec+s3://bucket/prefix')"
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(backend)
    backend.close()


def test_a_filesystem_is_made_for_one_store_alone_without_caches_and_sends_once(
    configuration: dict[str, dict[str, object]],
) -> None:
    configuration["s3"] = dict(S3)
    one, other = opened("fsspec+s3://bucket"), opened("fsspec+s3://bucket")
    assert one._edge.filesystem is not other._edge.filesystem
    assert one._edge.filesystem is not fsspec.filesystem("s3", **S3)
    assert one._edge.filesystem.dircache.use_listings_cache is False
    assert one._edge.filesystem.retries == 1
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def test_without_a_prefix_the_configuration_of_fsspec_applies(configuration: dict[str, dict[str, object]]) -> None:
    configuration["s3"] = dict(S3)
    assert opened("fsspec+s3://bucket")._edge.filesystem.key == "planted-key"


def test_the_configuration_of_fsspec_is_not_mixed_into_the_options_of_a_prefix(
    monkeypatch: pytest.MonkeyPatch, configuration: dict[str, dict[str, object]]
) -> None:
    configuration["s3"] = {"token": "planted-token"}
    monkeypatch.setenv("X_FSSPEC_OPTIONS", json.dumps(S3))
    with pytest.raises(ConfigurationError, match="token") as caught:
        opened("fsspec+s3://bucket", "env:X_")
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("value", ["", "planted", '["planted"]', '{"key": "planted"', '"planted"'])
def test_options_that_are_no_json_object_are_refused_and_not_repeated(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X_FSSPEC_OPTIONS", value)
    with pytest.raises(ConfigurationError, match="X_FSSPEC_OPTIONS") as caught:
        opened("fsspec+s3://bucket", "env:X_")
    assert "planted" not in f"{caught.value} {caught.value.__context__ if not caught.value.__suppress_context__ else ''}"


def test_options_that_the_filesystem_refuses_are_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X_FSSPEC_OPTIONS", json.dumps({"connection_string": "AccountKey=planted", "account_name": "a"}))
    with pytest.raises(ConfigurationError, match="does not take its options") as caught:
        opened("fsspec+abfs://container", "env:X_")
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("fsspec+nosuch://bucket", "knows no filesystem"),
        ("fsspec+simplecache://bucket", "the one underneath"),
        ("fsspec+portable://lake", "the one underneath"),
        ("fsspec+s3://bucket#a", "names no|has no folder|holds"),
    ],
)
def test_what_is_no_filesystem_of_a_host_is_refused(url: str, told: str) -> None:
    if url == "fsspec+s3://bucket#a":
        assert opened(url)._root == "bucket#a"  # literal, as every URL of a store
        return
    with pytest.raises(ConfigurationError, match=told):
        opened(url)


def test_a_filesystem_whose_package_is_missing_is_named() -> None:
    with pytest.raises(ConfigurationError, match="not installed"):
        opened("fsspec+gcs://bucket")


@pytest.mark.parametrize("setting", ["endpoint", "region", "account", "provider"])
def test_settings_of_other_backends_are_refused(setting: str) -> None:
    value = "http://127.0.0.1:9" if setting == "endpoint" else "x"
    with pytest.raises(ConfigurationError, match=setting):
        open_fsspec(Location("fsspec+memory://name", **{setting: value}), 5.0)


def test_there_are_no_profiles() -> None:
    with pytest.raises(ConfigurationError, match="no profiles"):
        opened("fsspec+memory://name", "profile:x")


def test_a_closed_backend_leaves_no_connection_open() -> None:
    """In a process of its own, which tells at its end what was left open."""
    script = """
        import json, os, warnings
        from tests.servers import SeaweedFS
        from portable.backends.fsspec_opening import open_fsspec
        from portable.backends.location import Location
        with SeaweedFS() as server:
            bucket = server.make_bucket()
            options = {"key": server.access_key, "secret": server.secret_key, "endpoint_url": server.endpoint}
            os.environ["X_FSSPEC_OPTIONS"] = json.dumps(options)
            backend = open_fsspec(Location(f"fsspec+s3://{bucket}", credentials="env:X_"), 20.0)
            backend.put("key", b"data")
            assert bytes(backend.get("key").data) == b"data"
            backend.close()
            backend.close()
    """
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=120
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
