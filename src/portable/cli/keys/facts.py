"""What the commands say of keyrings, recipients and volumes: facts, never secrets."""

from typing import Any

from portable.cli.output import out, print_json
from portable.keys.keyring import Keyring, UnlockedKeyring
from portable.keys.recipient import RecipientRecord
from portable.keys.volume_keys import VolumeKeys


def keyring_facts(keyring: Keyring | UnlockedKeyring) -> dict[str, Any]:
    """Return what identifies a generation of a keyring."""
    return {
        "keyring": keyring.id.hex(),
        "generation": keyring.generation,
        "authority": keyring.authority.fingerprint,
    }


def volume_facts(keys: VolumeKeys) -> dict[str, Any]:
    """Return what describes a volume and its epochs."""
    return {
        "volume": keys.name,
        "volume_id": keys.volume_id.hex(),
        "frame_length": keys.frame_length,
        "names": keys.names,
        "epochs": [{"id": epoch.id.hex(), "state": epoch.state, "created": epoch.created.isoformat()} for epoch in keys.epochs],
    }


def recipient_facts(recipient: RecipientRecord) -> dict[str, Any]:
    """Return what describes a recipient."""
    return {
        "id": recipient.id.hex(),
        "label": recipient.label,
        "type": recipient.type,
        "protector": recipient.protector.__struct_config__.tag,
    }


def report(facts: dict[str, Any], *, as_json: bool) -> None:
    """Print facts: as JSON, or a line each."""
    if as_json:
        print_json(facts)
        return
    console = out()
    for line in _lines(facts):
        console.print(line)


def _lines(facts: dict[str, Any], indent: str = "") -> list[str]:
    lines = []
    for name, value in facts.items():
        title = f"{indent}{name.replace('_', ' ')}"
        if isinstance(value, list):
            lines.append(f"{title}: {len(value)}")
            for item in value:
                lines += _lines(item, f"{indent}  ") if isinstance(item, dict) else [f"{indent}  {item}"]
        elif value not in (None, ""):
            lines.append(f"{title}: {value}")
    return lines
