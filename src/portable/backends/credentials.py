"""From a reference (`env:PREFIX_`, `profile:NAME`, `default`) to credentials, when a store is opened.

Values live in objects that neither print nor pickle. What is missing is named; what was found never is.
"""

import os
from collections.abc import Mapping
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
}
_Authorities = tuple[str, str]
"""Who names a file of certificate authorities, and its path."""


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


def _s3(location: Location, kind: str, name: str, environment: Mapping[str, str]) -> tuple[S3Credentials, _Authorities | None]:
    if kind == "profile":
        return _from_session(location, name, {})
    prefix = name if kind == "env" else ""
    found = {
        "endpoint": environment.get(f"{prefix}AWS_ENDPOINT_URL", ""),
        "region": environment.get(f"{prefix}AWS_REGION", ""),
    }
    pair = [f"{prefix}AWS_ACCESS_KEY_ID", f"{prefix}AWS_SECRET_ACCESS_KEY"]
    if not all(environment.get(variable) for variable in pair):
        if kind == "env":
            raise ConfigurationError(f"credentials {location.credentials!r} of {location.url}: set {pair[0]} and {pair[1]}")
        return _from_session(location, None, found)
    endpoint, region = _place(location, found)
    token = environment.get(f"{prefix}AWS_SESSION_TOKEN") or None
    return S3Credentials(endpoint, region, environment[pair[0]], environment[pair[1]], token), None


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
    found = {
        "account": environment.get(f"{prefix}ACCOUNT"),
        "key": environment.get(f"{prefix}KEY"),
        "sas": environment.get(f"{prefix}SAS_TOKEN"),
        "endpoint": environment.get(f"{prefix}ENDPOINT"),
        **_connection_string(environment.get(f"{prefix}CONNECTION_STRING"), f"{prefix}CONNECTION_STRING"),
    }
    account = location.account or found["account"]
    if not account:
        raise ConfigurationError(
            f"{location.url}: name the storage account (`account`, or set {prefix}ACCOUNT or {prefix}CONNECTION_STRING)"
        )
    endpoint = (location.endpoint or found["endpoint"] or f"https://{account}.blob.core.windows.net").rstrip("/")
    check_endpoint(endpoint, named=f"{location.url}: its endpoint ({prefix}ENDPOINT or {prefix}CONNECTION_STRING)")
    if found["key"]:
        return AzureCredentials(account, endpoint, key=found["key"])
    if found["sas"]:
        return AzureCredentials(account, endpoint, sas=found["sas"].lstrip("?"))
    if kind == "env":
        raise ConfigurationError(
            f"credentials {location.credentials!r} of {location.url}: set {prefix}KEY, {prefix}SAS_TOKEN "
            f"or {prefix}CONNECTION_STRING"
        )
    return AzureCredentials(account, endpoint, identity=_azure_identity(environment))


def _azure_identity(environment: Mapping[str, str]) -> Any:
    """Return what asks for access tokens: the managed or workload identity of this machine, or who is logged in on it.

    An authority of one's own (AZURE_AUTHORITY_HOST: sovereign and private clouds) is asked itself: Microsoft's public one, that
    would vouch for it, may be out of reach.
    """
    own = bool(environment.get("AZURE_AUTHORITY_HOST"))
    return needed("azure.identity").DefaultAzureCredential(disable_instance_discovery=own)


def _from_session(
    location: Location, profile: str | None, found: Mapping[str, str]
) -> tuple[S3Credentials, _Authorities | None]:
    boto3, settings = needed("boto3"), needed("botocore.session")
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.session.Session(profile_name=profile)
        credentials = session.get_credentials()
        # The profile's own settings: a session would let AWS_ENDPOINT_URL, meant for another host, override them.
        configured = settings.Session(profile=profile).get_scoped_config()
    except BotoCoreError as error:
        raise ConfigurationError(f"the AWS profile {profile or 'default'!r} cannot be read: {type(error).__name__}") from None
    if credentials is None:
        where = (
            f"profile {profile!r}"
            if profile
            else "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the shared profile, the instance"
        )
        raise ConfigurationError(f"{location.url}: no S3 credentials found; looked for: {where}")
    endpoint, region = _place(
        location,
        {
            "endpoint": found.get("endpoint") or configured.get("endpoint_url", ""),
            "region": found.get("region") or configured.get("region", ""),
        },
    )
    bundle = configured.get("ca_bundle")
    return (
        S3Credentials(endpoint, region, session=session),
        (f"ca_bundle of the AWS profile {profile or 'default'!r}", str(bundle)) if bundle else None,
    )


def _place(location: Location, found: Mapping[str, str]) -> tuple[str, str]:
    region = location.region or found["region"] or "us-east-1"
    if location.provider not in (None, "aws") and not (location.endpoint or found["endpoint"]):
        raise ConfigurationError(
            f"{location.url}: say where {location.provider} is (`endpoint`): no profile of a host tells it"
        )
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    endpoint = location.endpoint or found["endpoint"] or f"https://s3.{region}.{suffix}"
    check_endpoint(endpoint, named=f"{location.url}: its endpoint (AWS_ENDPOINT_URL, or endpoint_url of a profile)")
    return endpoint.rstrip("/"), region


def _connection_string(text: str | None, variable: str) -> dict[str, str]:
    if not text:
        return {}
    pairs = [part.partition("=") for part in text.strip().strip(";").split(";")]
    if not all(equals for _, equals, _ in pairs):
        raise ConfigurationError(f"{variable} is not a storage connection string (Name=value;Name=value)")
    given = {name.lower(): value for name, _, value in pairs}
    found = {field: given[name] for name, field in _CONNECTION_STRING.items() if name in given}
    if "endpoint" not in found and "account" in found:
        protocol, suffix = given.get("defaultendpointsprotocol", "https"), given.get("endpointsuffix", "core.windows.net")
        found["endpoint"] = f"{protocol}://{found['account']}.blob.{suffix}"
    return found
