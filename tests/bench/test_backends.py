"""The benchmark of the backends, with little of everything: its rows are there, whatever they say of this machine."""

import pytest

from bench import backends

pytestmark = [pytest.mark.long]
COMPARED = ("put, 8 KiB", "get, 8 KiB", "list, 20 keys, a key", "put, parts of 8 MiB", "get, ranges of 8 MiB")


def test_every_client_is_compared_in_every_row(capfd: pytest.CaptureFixture[str]) -> None:
    status = backends.main(["--quick", "--rounds=1"])
    printed = capfd.readouterr().out
    for host in (backends.S3, backends.AZURE):
        rows = printed.partition(f"### {host.title}")[2].partition("###")[0]
        for what in COMPARED:
            for peer in host.peers:
                assert f"| {what} | {peer} |" in rows
        for client in (backends.OWN, *host.peers):
            assert rows.count(f" | {client} | 1 x 8 MiB | ") == 2
    assert "Others used " in printed
    assert status == ("MISSED" in printed)
