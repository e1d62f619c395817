"""References to credentials, and what they become."""

import pickle
from pathlib import Path

import pytest

from portable.backends.credentials import azure_credentials, s3_credentials
from portable.backends.location import Location
from portable.errors import ConfigurationError

S3 = {"X_AWS_ACCESS_KEY_ID": "AKID", "X_AWS_SECRET_ACCESS_KEY": "HIDDEN"}
AZURE = {"X_AZURE_STORAGE_ACCOUNT": "account", "X_AZURE_STORAGE_KEY": "HIDDEN=="}


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
    assert (found.account, found.key, found.sas) == ("account", "HIDDEN==", None)
    assert found.endpoint == "https://account.blob.core.windows.net"


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("AccountName=account;AccountKey=HIDDEN==;BlobEndpoint=http://127.0.0.1:1/a;", "http://127.0.0.1:1/a"),
        (
            "DefaultEndpointsProtocol=https;AccountName=account;AccountKey=HIDDEN==;EndpointSuffix=core.chinacloudapi.cn",
            "https://account.blob.core.chinacloudapi.cn",
        ),
        ("AccountName=account;SharedAccessSignature=sv=1&sig=HIDDEN", "https://account.blob.core.windows.net"),
        (
            "BlobEndpoint=https://account.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=HIDDEN",
            "https://account.blob.core.windows.net",
        ),
    ],
)
def test_a_connection_string_is_read(text: str, endpoint: str) -> None:
    found = azure_credentials(Location("az://c", credentials="env:X_"), {"X_AZURE_STORAGE_CONNECTION_STRING": text})
    assert (found.account, found.endpoint) == ("account", endpoint)
    assert found.key == "HIDDEN==" or found.sas == "sv=1&sig=HIDDEN"


def test_a_broken_connection_string_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match="X_AZURE_STORAGE_CONNECTION_STRING") as caught:
        azure_credentials(Location("az://c", credentials="env:X_"), {"X_AZURE_STORAGE_CONNECTION_STRING": "HIDDEN"})
    assert "HIDDEN" not in str(caught.value)


SHARED = {"X_AZURE_STORAGE_CONNECTION_STRING": "AccountName=shared;SharedAccessSignature=sv=1&sig=HIDDEN"}


def test_a_connection_string_is_taken_whole() -> None:
    found = azure_credentials(
        Location("az://c", credentials="env:X_"), {**AZURE, **SHARED, "X_AZURE_STORAGE_ENDPOINT": "http://h"}
    )
    assert (found.account, found.key, found.sas) == ("shared", None, "sv=1&sig=HIDDEN")
    assert found.endpoint == "https://shared.blob.core.windows.net"


@pytest.mark.parametrize(
    "text",
    [
        "AccountName=shared;SharedAccessSignature=sv=1&sig=HIDDEN",
        "BlobEndpoint=https://shared.blob.core.windows.net;SharedAccessSignature=sv=1&sig=HIDDEN",
        "AccountName=shared;AccountKey=HIDDEN==;BlobEndpoint=http://127.0.0.1:1/shared",
    ],
)
def test_a_connection_string_of_another_account_is_refused(text: str) -> None:
    environment = {"X_AZURE_STORAGE_CONNECTION_STRING": text}
    with pytest.raises(ConfigurationError, match=r"'mine'.*X_AZURE_STORAGE_CONNECTION_STRING.*'shared'") as caught:
        azure_credentials(Location("az://c", account="mine", credentials="env:X_"), environment)
    assert "HIDDEN" not in str(caught.value)
    assert azure_credentials(Location("az://c", account="shared", credentials="env:X_"), environment).account == "shared"


def test_a_connection_string_that_names_no_account_is_for_that_of_the_location() -> None:
    environment = {"X_AZURE_STORAGE_CONNECTION_STRING": "SharedAccessSignature=sv=1&sig=HIDDEN;EndpointSuffix=core.example"}
    found = azure_credentials(Location("az://c", account="mine", credentials="env:X_"), environment)
    assert (found.account, found.endpoint) == ("mine", "https://mine.blob.core.example")


@pytest.mark.parametrize("account", ["e.com/x", "e.com#", "ab", "UPPER", "a" * 25, "acc\u00f6unt"])
def test_only_the_name_of_an_account_becomes_a_part_of_a_host(account: str) -> None:
    given: list[tuple[str | None, dict[str, str]]] = [
        (account, AZURE),
        (None, {**AZURE, "X_AZURE_STORAGE_ACCOUNT": account}),
        (None, {"X_AZURE_STORAGE_CONNECTION_STRING": f"AccountName={account};AccountKey=HIDDEN=="}),
    ]
    for own, environment in given:
        with pytest.raises(ConfigurationError, match="3 to 24 lower-case letters and digits"):
            azure_credentials(Location("az://c", account=own, credentials="env:X_"), environment)


@pytest.mark.parametrize("key", ["HIDDEN", "HIDDEN==\n", "HIDDEN !", "\u00e9HIDDEN", "\udc80HIDDEN", "===="])
def test_what_is_no_key_of_an_account_is_refused_and_not_repeated(key: str) -> None:
    for environment in (
        {**AZURE, "X_AZURE_STORAGE_KEY": key},
        {"X_AZURE_STORAGE_CONNECTION_STRING": f"AccountName=account;AccountKey={key};EndpointSuffix=core.windows.net"},
    ):
        with pytest.raises(ConfigurationError, match=r"X_AZURE_STORAGE_(KEY|CONNECTION_STRING).*Base64") as caught:
            azure_credentials(Location("az://c", credentials="env:X_"), environment)
        assert "HIDDEN" not in str(caught.value)


@pytest.mark.parametrize("value", ["HIDDEN\n", "HIDDEN x", "\u00e9HIDDEN", "HIDDEN\udc80", "HIDDEN\0"])
def test_what_no_header_can_carry_is_refused_and_not_repeated(value: str) -> None:
    for variable in ("X_AWS_ACCESS_KEY_ID", "X_AWS_SECRET_ACCESS_KEY", "X_AWS_SESSION_TOKEN"):
        with pytest.raises(ConfigurationError, match=variable) as caught:
            s3_credentials(Location("s3://bucket", credentials="env:X_"), {**S3, variable: value})
        assert "HIDDEN" not in str(caught.value)
    environment = {"X_AZURE_STORAGE_ACCOUNT": "account", "X_AZURE_STORAGE_SAS_TOKEN": value}
    with pytest.raises(ConfigurationError, match="X_AZURE_STORAGE_SAS_TOKEN") as caught:
        azure_credentials(Location("az://c", credentials="env:X_"), environment)
    assert "HIDDEN" not in str(caught.value)


@pytest.mark.parametrize("region", ["eu_west", "eu/west", "eu-west\n", "-eu", "eu-", "123", "\u00e9", "\udc80", "a" * 64])
def test_what_is_no_region_is_refused(region: str) -> None:
    with pytest.raises(ConfigurationError, match="X_AWS_REGION is no region"):
        s3_credentials(Location("s3://bucket", credentials="env:X_"), {**S3, "X_AWS_REGION": region})
    with pytest.raises(ConfigurationError, match="region is no region"):
        s3_credentials(Location("s3://bucket", region=region, credentials="env:X_"), S3)


def test_an_endpoint_for_s3_alone_and_the_region_of_boto3_are_read() -> None:
    environment = {**S3, "X_AWS_ENDPOINT_URL": "https://all.example", "X_AWS_DEFAULT_REGION": "eu-west-3"}
    location = Location("s3://bucket", credentials="env:X_")
    found = s3_credentials(location, environment)
    assert (found.endpoint, found.region) == ("https://all.example", "eu-west-3")
    environment |= {"X_AWS_ENDPOINT_URL_S3": "https://s3.example", "X_AWS_REGION": "fr-par"}
    found = s3_credentials(location, environment)
    assert (found.endpoint, found.region) == ("https://s3.example", "fr-par")
    environment["X_AWS_ENDPOINT_URL_S3"] = "ftp://s3.example"
    with pytest.raises(ConfigurationError, match="X_AWS_ENDPOINT_URL_S3"):
        s3_credentials(location, environment)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AZURE_TENANT_ID", "HIDDEN!"),
        ("AZURE_CLIENT_CERTIFICATE_PATH", "/HIDDEN"),
        ("AZURE_AUTHORITY_HOST", "http://HIDDEN"),
        ("AZURE_TOKEN_CREDENTIALS", "HIDDEN"),
    ],
)
def test_an_identity_that_cannot_be_made_is_an_error_that_names_the_variables(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"AZURE_TENANT_ID": "tenant", "AZURE_CLIENT_ID": "client"}
    if variable == "AZURE_TENANT_ID":
        given["AZURE_CLIENT_SECRET"] = "HIDDEN"
    given |= {variable: value, "AZURE_STORAGE_ACCOUNT": "account"}
    for name, text in given.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(ConfigurationError, match=variable) as caught:
        azure_credentials(Location("az://c"), given)
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


KEYS = "aws_access_key_id = PROFILED\naws_secret_access_key = HIDDEN\n"


@pytest.mark.usefixtures("profiles")
def test_a_profile_tells_an_endpoint_for_s3_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text(
        f"[profile own]\nservices = mine\nendpoint_url = https://all.example\n{KEYS}"
        "[services mine]\ns3 =\n  endpoint_url = https://s3.example\n"
        f"[profile lost]\nservices = none\n{KEYS}"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://other.example")
    assert s3_credentials(Location("s3://bucket", credentials="profile:own")).endpoint == "https://s3.example"
    with pytest.raises(ConfigurationError, match="'lost'"):
        s3_credentials(Location("s3://bucket", credentials="profile:lost"))


@pytest.mark.usefixtures("profiles")
@pytest.mark.parametrize(
    "text",
    [
        "credential_process = /nonexistent/HIDDEN",
        "credential_process = echo HIDDEN",
        "credential_process = echo []",
        'credential_process = "HIDDEN',
        "credential_process = sh -c 'echo HIDDEN >&2; exit 3'",
        "role_arn = arn:aws:iam::1:role/x\nsource_profile = HIDDEN",
        f"{KEYS}region =\n  a = HIDDEN",
        f"{KEYS}endpoint_url =\n  a = HIDDEN",
        f"{KEYS}ca_bundle =\n  a = HIDDEN",
        f"{KEYS}s3 = HIDDEN",
        f"{KEYS}region = eu/HIDDEN",
        f"{KEYS}endpoint_url = ftp://HIDDEN",
        f"{KEYS}services = mine\n[services mine]\ns3 = HIDDEN",
    ],
)
def test_a_malformed_profile_is_an_error_that_names_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(f"[profile odd]\n{text}\n")
    with pytest.raises(ConfigurationError, match="profile 'odd'") as caught:
        s3_credentials(Location("s3://bucket", credentials="profile:odd"))
    assert "HIDDEN" not in str(caught.value)


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
