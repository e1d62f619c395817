"""References to credentials, and what they become."""

import pickle
from pathlib import Path

import pytest

from portable.backends.credentials import azure_credentials, s3_credentials
from portable.backends.location import Location
from portable.errors import ConfigurationError

S3 = {"X_AWS_ACCESS_KEY_ID": "AKID", "X_AWS_SECRET_ACCESS_KEY": "HIDDEN"}
AZURE = {"X_AZURE_STORAGE_ACCOUNT": "account", "X_AZURE_STORAGE_KEY": "HIDDEN"}


def test_an_environment_prefix_is_read_alone() -> None:
    environment = {
        **S3,
        "X_AWS_SESSION_TOKEN": "TOKEN",
        "X_AWS_ENDPOINT_URL": "https://s3.example/",
        "X_AWS_REGION": "fr-par",
        "AWS_ACCESS_KEY_ID": "other",
        "AWS_ENDPOINT_URL": "https://other.example",
    }
    found = s3_credentials(Location("s3://bucket", credentials="env:X_"), environment)
    assert (found.access_key_id, found.secret_access_key, found.session_token) == ("AKID", "HIDDEN", "TOKEN")
    assert (found.endpoint, found.region) == ("https://s3.example", "fr-par")


def test_nothing_is_taken_from_outside_the_prefix() -> None:
    environment = {**S3, "AWS_SESSION_TOKEN": "other", "AWS_ENDPOINT_URL": "https://other.example", "AWS_REGION": "other"}
    found = s3_credentials(Location("s3://bucket", credentials="env:X_"), environment)
    assert (found.session_token, found.endpoint, found.region) == (None, "https://s3.us-east-1.amazonaws.com", "us-east-1")


def test_the_location_wins() -> None:
    location = Location("s3://bucket", endpoint="http://127.0.0.1:1", region="gra", credentials="env:X_")
    found = s3_credentials(location, {**S3, "X_AWS_ENDPOINT_URL": "https://other", "X_AWS_REGION": "other"})
    assert (found.endpoint, found.region) == ("http://127.0.0.1:1", "gra")
    azure = azure_credentials(Location("az://c", account="mine", endpoint="http://h/mine", credentials="env:X_"), AZURE)
    assert (azure.account, azure.endpoint) == ("mine", "http://h/mine")


@pytest.mark.parametrize(
    "endpoint", ["ftp://host", "host", "https://", "https://user:HIDDEN@host", "https://host?q", "http://h:99999"]
)
def test_what_is_no_endpoint_is_refused_and_not_repeated(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match="AWS_ENDPOINT_URL") as caught:
        s3_credentials(Location("s3://bucket", credentials="env:X_"), {**S3, "X_AWS_ENDPOINT_URL": endpoint})
    assert "HIDDEN" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="X_AZURE_STORAGE_ENDPOINT") as caught:
        azure_credentials(Location("az://c", credentials="env:X_"), {**AZURE, "X_AZURE_STORAGE_ENDPOINT": endpoint})
    assert "HIDDEN" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="an endpoint must be") as caught:
        Location("s3://bucket", endpoint=endpoint)
    assert "HIDDEN" not in str(caught.value)


@pytest.mark.parametrize("endpoint", ["http://[::1]:8333", "https://s3.fr-par.example", "http://127.0.0.1:1/account"])
def test_an_endpoint_may_have_a_port_and_a_path(endpoint: str) -> None:
    assert s3_credentials(Location("s3://bucket", endpoint=endpoint, credentials="env:X_"), S3).endpoint == endpoint


@pytest.mark.parametrize("missing", S3)
def test_a_missing_s3_variable_is_named(missing: str) -> None:
    environment = {name: value for name, value in S3.items() if name != missing}
    with pytest.raises(ConfigurationError, match=missing) as caught:
        s3_credentials(Location("s3://bucket", credentials="env:X_"), environment)
    assert "HIDDEN" not in str(caught.value)


def test_missing_azure_variables_are_named() -> None:
    location = Location("az://c", credentials="env:X_")
    with pytest.raises(ConfigurationError, match="X_AZURE_STORAGE_ACCOUNT"):
        azure_credentials(location, {})
    with pytest.raises(ConfigurationError, match="X_AZURE_STORAGE_KEY, X_AZURE_STORAGE_SAS_TOKEN"):
        azure_credentials(location, {"X_AZURE_STORAGE_ACCOUNT": "account"})


def test_an_account_has_its_usual_endpoint() -> None:
    found = azure_credentials(Location("az://c", credentials="env:X_"), AZURE)
    assert (found.account, found.key, found.sas) == ("account", "HIDDEN", None)
    assert found.endpoint == "https://account.blob.core.windows.net"


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("AccountName=a;AccountKey=HIDDEN==;BlobEndpoint=http://127.0.0.1:1/a;", "http://127.0.0.1:1/a"),
        (
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=HIDDEN==;EndpointSuffix=core.chinacloudapi.cn",
            "https://a.blob.core.chinacloudapi.cn",
        ),
        ("AccountName=a;SharedAccessSignature=sv=1&sig=HIDDEN", "https://a.blob.core.windows.net"),
    ],
)
def test_a_connection_string_is_read(text: str, endpoint: str) -> None:
    found = azure_credentials(Location("az://c", credentials="env:X_"), {"X_AZURE_STORAGE_CONNECTION_STRING": text})
    assert (found.account, found.endpoint) == ("a", endpoint)
    assert found.key == "HIDDEN==" or found.sas == "sv=1&sig=HIDDEN"


def test_a_broken_connection_string_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match="X_AZURE_STORAGE_CONNECTION_STRING") as caught:
        azure_credentials(Location("az://c", credentials="env:X_"), {"X_AZURE_STORAGE_CONNECTION_STRING": "HIDDEN"})
    assert "HIDDEN" not in str(caught.value)


def test_azure_has_no_profiles() -> None:
    with pytest.raises(ConfigurationError, match="profiles"):
        azure_credentials(Location("az://c", credentials="profile:x"), AZURE)


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "credentials").write_text("[scw]\naws_access_key_id = PROFILED\naws_secret_access_key = HIDDEN\n")
    (tmp_path / "config").write_text("[profile scw]\nregion = fr-par\nendpoint_url = https://s3.fr-par.scw.cloud\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("profiles")
def test_a_profile_gives_its_keys_region_and_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://other.example")
    monkeypatch.setenv("AWS_REGION", "other")
    found = s3_credentials(Location("s3://bucket", credentials="profile:scw"))
    assert found.session.get_credentials().access_key == "PROFILED"
    assert (found.endpoint, found.region) == ("https://s3.fr-par.scw.cloud", "fr-par")


@pytest.mark.usefixtures("profiles")
def test_a_profile_names_its_authorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("own.pem", "general.pem"):
        (tmp_path / name).write_text("-----BEGIN CERTIFICATE-----\n")
    with (tmp_path / "config").open("a") as config:
        config.write(f"ca_bundle = {tmp_path}/own.pem\n")
    monkeypatch.setenv("AWS_CA_BUNDLE", f"{tmp_path}/general.pem")
    assert s3_credentials(Location("s3://bucket", credentials="profile:scw")).transport.ca_bundle == f"{tmp_path}/own.pem"
    (tmp_path / "own.pem").unlink()
    with pytest.raises(ConfigurationError, match="ca_bundle of the AWS profile 'scw'"):
        s3_credentials(Location("s3://bucket", credentials="profile:scw"))


def test_the_authorities_of_an_s3_host_are_not_those_of_azure(tmp_path: Path) -> None:
    (tmp_path / "s3.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    environment = {**S3, **AZURE, "AWS_CA_BUNDLE": f"{tmp_path}/s3.pem"}
    assert (
        s3_credentials(Location("s3://bucket", credentials="env:X_"), environment).transport.ca_bundle == f"{tmp_path}/s3.pem"
    )
    assert azure_credentials(Location("az://c", credentials="env:X_"), environment).transport.ca_bundle is None


@pytest.mark.usefixtures("profiles")
def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="nobody"):
        s3_credentials(Location("s3://bucket", credentials="profile:nobody"))


@pytest.mark.usefixtures("profiles")
def test_the_default_chain_says_where_it_looked() -> None:
    with pytest.raises(ConfigurationError, match="AWS_ACCESS_KEY_ID"):
        s3_credentials(Location("s3://bucket"), {})


def test_credentials_neither_print_nor_pickle() -> None:
    s3 = s3_credentials(Location("s3://bucket", credentials="env:X_"), {**S3, "X_AWS_SESSION_TOKEN": "HIDDEN"})
    azure = azure_credentials(Location("az://c", credentials="env:X_"), AZURE)
    for found in (s3, azure):
        assert "HIDDEN" not in repr(found)
        assert "AKID" not in repr(found)
        with pytest.raises(TypeError, match="never pickled"):
            pickle.dumps(found)
