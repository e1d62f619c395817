"""From a reference (`env:PREFIX_`, `profile:NAME`, `default`) to credentials, when a store is opened.

Values live in objects that neither print nor pickle. What is missing is named; what was found never is.
"""

import os
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from portable.backends.extras import needed
from portable.backends.location import Location, check_endpoint
from portable.backends.transport import AUTHORITIES, Transport, Withheld, transport
from portable.errors import ConfigurationError

AZURE_SCOPE: Final = "https://storage.azure.com/.default"
_CONNECTION_STRING: Final = {
    "accountname": "account",
    "accountkey": "key",
    "sharedaccesssignature": "sas",
    "blobendpoint": "endpoint",
    "defaultendpointsprotocol": "protocol",
    "endpointsuffix": "suffix",
}
_ACCOUNT: Final = re.compile(r"[a-z0-9]{3,24}")
_ACCOUNT_HOST: Final = re.compile(r"https?://([a-z0-9]{3,24})\.blob\..+")
_REGION: Final = re.compile(r"(?![0-9]+$|-)[A-Za-z0-9-]{1,63}(?<!-)")
"""What botocore takes for one."""
_PLAIN: Final = re.compile(r"[!-~]+")
_CHAIN: Final = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_WEB_IDENTITY_TOKEN_FILE, the shared profile, the instance"
_Said = tuple[str, str]
"""Who says something, such as a variable, and what."""


@dataclass(frozen=True)
class S3Credentials(Withheld):
    """What opens an S3 host: a key pair, or a boto3 session whose chain finds one and renews it."""

    endpoint: str
    region: str
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    session: Any = field(default=None, repr=False)
    transport: Transport = field(default_factory=Transport)


@dataclass(frozen=True)
class AzureCredentials(Withheld):
    """What opens an Azure account: its key, a SAS token, or a credential of azure-identity that renews its tokens."""

    account: str
    endpoint: str
    key: str | None = field(default=None, repr=False)
    sas: str | None = field(default=None, repr=False)
    identity: Any = field(default=None, repr=False)
    transport: Transport = field(default_factory=Transport)


def s3_credentials(location: Location, environment: Mapping[str, str] = os.environ) -> S3Credentials:
    """Resolve the reference of an `s3:` location; its own endpoint and region win. Raises: ConfigurationError."""
    kind, _, name = location.credentials.partition(":")
    found, configured = _s3(location, kind, name, environment)
    reached = transport(
        found.endpoint,
        environment,
        prefix=name if kind == "env" else "",
        configured=configured,
        authorities=("AWS_CA_BUNDLE", *AUTHORITIES),
    )
    return replace(found, transport=reached)


def _s3(location: Location, kind: str, name: str, environment: Mapping[str, str]) -> tuple[S3Credentials, _Said | None]:
    if kind == "profile":
        return _from_session(location, name, [], [])
    prefix = name if kind == "env" else ""
    endpoints = _said(environment, f"{prefix}AWS_ENDPOINT_URL_S3", f"{prefix}AWS_ENDPOINT_URL")
    regions = _said(environment, f"{prefix}AWS_REGION", f"{prefix}AWS_DEFAULT_REGION")
    pair = [f"{prefix}AWS_ACCESS_KEY_ID", f"{prefix}AWS_SECRET_ACCESS_KEY"]
    if not all(environment.get(variable) for variable in pair):
        if kind == "env":
            raise ConfigurationError(f"credentials {location.credentials!r} of {location.url}: set {pair[0]} and {pair[1]}")
        return _from_session(location, None, endpoints, regions)
    endpoint, region = _place(location, endpoints, regions)
    given = dict(_said(environment, *pair, token := f"{prefix}AWS_SESSION_TOKEN"))
    for variable, value in given.items():
        check_plain(value, named=variable)
    return S3Credentials(endpoint, region, given[pair[0]], given[pair[1]], given.get(token)), None


def _said(environment: Mapping[str, str], *variables: str) -> list[_Said]:
    """Return those of the variables that are set, in their order."""
    return [(variable, environment[variable]) for variable in variables if environment.get(variable)]


def check_plain(value: str, *, named: str) -> None:
    """Raise ConfigurationError for what no header can carry; the message repeats nothing of it."""
    if not _PLAIN.fullmatch(value):
        raise ConfigurationError(f"{named} holds a space, a line break or a character that is not ASCII: no credential does")


def azure_credentials(location: Location, environment: Mapping[str, str] = os.environ) -> AzureCredentials:
    """Resolve the reference of an `az:` location; its own account and endpoint win. Raises: ConfigurationError."""
    kind, _, name = location.credentials.partition(":")
    found = _azure(location, kind, name, environment)
    return replace(found, transport=transport(found.endpoint, environment, prefix=name if kind == "env" else ""))


def _azure(location: Location, kind: str, name: str, environment: Mapping[str, str]) -> AzureCredentials:
    if kind == "profile":
        raise ConfigurationError(
            f"credentials {location.credentials!r} of {location.url}: Azure has no profiles; use env:PREFIX_"
        )
    prefix = f"{name}AZURE_STORAGE_"
    variable = f"{prefix}CONNECTION_STRING"
    text = environment.get(variable)
    found = _connection_string(text, variable) if text else _variables(environment, prefix)
    if text and location.account and found.get("account", location.account) != location.account:
        raise ConfigurationError(
            f"{location.url}: its account is {location.account!r}, and {variable} is of the account {found['account']!r}"
        )
    account = location.account or found.get("account") or environment.get(f"{prefix}ACCOUNT")
    if not account:
        raise ConfigurationError(f"{location.url}: name the storage account (`account`, or set {prefix}ACCOUNT or {variable})")
    endpoint = (location.endpoint or found.get("endpoint") or _usual_endpoint(location, account, found)).rstrip("/")
    check_endpoint(endpoint, named=f"{location.url}: its endpoint ({prefix}ENDPOINT or {variable})")
    if key := found.get("key"):
        _check_key(key, named=f"{prefix}KEY, or the key in {variable},")
        return AzureCredentials(account, endpoint, key=key)
    if sas := found.get("sas", "").lstrip("?"):
        check_plain(sas, named=f"{prefix}SAS_TOKEN, or the one in {variable},")
        return AzureCredentials(account, endpoint, sas=sas)
    if kind == "env":
        raise ConfigurationError(
            f"credentials {location.credentials!r} of {location.url}: set {prefix}KEY, {prefix}SAS_TOKEN or {variable}"
        )
    return AzureCredentials(account, endpoint, identity=_azure_identity(environment))


def _variables(environment: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return what is said without a connection string, in its words."""
    names = {"key": f"{prefix}KEY", "sas": f"{prefix}SAS_TOKEN", "endpoint": f"{prefix}ENDPOINT"}
    return {field: environment[name] for field, name in names.items() if environment.get(name)}


def _usual_endpoint(location: Location, account: str, found: Mapping[str, str]) -> str:
    if not _ACCOUNT.fullmatch(account):  # another name could lead to another host
        raise ConfigurationError(
            f"{location.url}: its account is named in 3 to 24 lower-case letters and digits, where no endpoint is given"
        )
    return f"{found.get('protocol', 'https')}://{account}.blob.{found.get('suffix', 'core.windows.net')}"


def _check_key(key: str, *, named: str) -> None:
    try:
        b64decode(key, validate=True)
    except ValueError:
        raise ConfigurationError(f"{named} is not the key of an account: it is no Base64") from None


def _azure_identity(environment: Mapping[str, str]) -> Any:
    """Return what asks for access tokens: the managed or workload identity of this machine, or who is logged in on it.

    An authority of one's own (AZURE_AUTHORITY_HOST: sovereign and private clouds) is asked itself: Microsoft's public one, that
    would vouch for it, may be out of reach.
    """
    own = bool(environment.get("AZURE_AUTHORITY_HOST"))
    make = needed("azure.identity").DefaultAzureCredential
    try:
        return make(disable_instance_discovery=own)
    except Exception as error:  # noqa: BLE001  # it raises what it likes of malformed variables and files, and may repeat them
        seen = sorted(name for name in environment if name.startswith("AZURE_") and not name.startswith("AZURE_STORAGE_"))
        raise ConfigurationError(
            f"no identity of Azure can be made ({type(error).__name__}) of {', '.join(seen) or 'this machine'}"
        ) from None


def _from_session(
    location: Location, profile: str | None, endpoints: Sequence[_Said], regions: Sequence[_Said]
) -> tuple[S3Credentials, _Said | None]:
    """Resolve what boto3 finds; the endpoints and regions that are given come before those of the profile."""
    boto3, core, providers = needed("boto3"), needed("botocore.session"), needed("botocore.configprovider")
    looked = f"the AWS profile {profile!r}" if profile else _CHAIN
    try:
        session = boto3.session.Session(profile_name=profile)
        credentials, named = session.get_credentials(), f"the AWS profile {session.profile_name!r}"
        # The profile's own settings: a session would let AWS_ENDPOINT_URL, meant for another host, override them.
        settings = core.Session(profile=profile)
        configured = settings.get_scoped_config()
        endpoint = providers.ConfiguredEndpointProvider(settings.full_config, configured, "s3", environ={}).provide()
    except Exception as error:  # noqa: BLE001  # files, programs and services of the user's are read here: anything can be raised, and repeat a secret
        raise ConfigurationError(
            f"{location.url}: S3 credentials cannot be read ({type(error).__name__}); looked for: {looked}"
        ) from None
    if credentials is None:
        raise ConfigurationError(f"{location.url}: no S3 credentials found; looked for: {looked}")
    own = {"endpoint_url": endpoint, "region": configured.get("region"), "ca_bundle": configured.get("ca_bundle")}
    wrong = [name for name, value in own.items() if value and not isinstance(value, str)]
    if not isinstance(configured.get("s3", {}), Mapping):
        wrong.append("s3")
    if wrong:
        raise ConfigurationError(
            f"{', '.join(wrong)} of {named}: text stands where a section belongs, or a section where text does"
        )
    said = {name: [(f"{name} of {named}", value)] if value else [] for name, value in own.items()}
    endpoint, region = _place(location, [*endpoints, *said["endpoint_url"]], [*regions, *said["region"]])
    return S3Credentials(endpoint, region, session=session), next(iter(said["ca_bundle"]), None)


def _place(location: Location, endpoints: Sequence[_Said], regions: Sequence[_Said]) -> tuple[str, str]:
    """Return endpoint and region: the location's, else the first that is said, else Amazon's."""
    who, region = ("region", location.region) if location.region else next(iter(regions), ("region", "us-east-1"))
    if not _REGION.fullmatch(region):
        raise ConfigurationError(f"{location.url}: {who} is no region: write letters, digits and hyphens, as in us-east-1")
    if location.provider not in (None, "aws") and not (location.endpoint or endpoints):
        raise ConfigurationError(
            f"{location.url}: say where {location.provider} is (`endpoint`): no profile of a host tells it"
        )
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    usual = ("its endpoint", f"https://s3.{region}.{suffix}")
    who, endpoint = ("its endpoint", location.endpoint) if location.endpoint else next(iter(endpoints), usual)
    check_endpoint(endpoint, named=f"{location.url}: {who}")
    return endpoint.rstrip("/"), region


def _connection_string(text: str, variable: str) -> dict[str, str]:
    """Read a connection string. One without AccountName tells the account by its endpoint."""
    pairs = [part.partition("=") for part in text.strip().strip(";").split(";")]
    if not all(equals for _, equals, _ in pairs):
        raise ConfigurationError(f"{variable} is not a storage connection string (Name=value;Name=value)")
    given = {name.lower(): value for name, _, value in pairs if value}
    found = {field: given[name] for name, field in _CONNECTION_STRING.items() if name in given}
    if host := _ACCOUNT_HOST.fullmatch(found.get("endpoint", "")):
        found.setdefault("account", host[1])
    return found
