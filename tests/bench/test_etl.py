"""The benchmark of ETL code, with little of everything; and the link that it measures over."""

import http.client
import http.server
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from bench import etl
from bench.etl_clients import Place
from bench.etl_work import Taken
from bench.link import link
from bench.measure import Sample
from tests.docs.pages import CHECKOUT

ROUND_TRIP = 0.05
BODY = os.urandom(3 << 20)


class Echoing(http.server.BaseHTTPRequestHandler):
    """Answers with what was sent, over connections that are kept."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response_only(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echoing)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_link_takes_a_round_trip_for_each_request_and_one_more_for_the_first(endpoint: str) -> None:
    with link(endpoint, ROUND_TRIP) as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        took = []
        for data in (b"first", b"second", BODY):
            begun = time.perf_counter()
            connection.request("PUT", "/", data)
            assert connection.getresponse().read() == data
            took.append(time.perf_counter() - begun)
        connection.close()
    assert took[0] >= 2 * ROUND_TRIP
    assert took[1] >= ROUND_TRIP
    assert took[2] >= ROUND_TRIP


def test_a_ratio_is_the_median_of_the_rounds_ratios_and_not_of_the_times() -> None:
    own, base = ([Taken(Sample(wall, wall / 2), 2**20) for wall in walls] for walls in ((1.0, 9.0, 4.0), (2.0, 3.0, 4.0)))
    row = etl.Row("list", "portable", own, base)
    assert row.ratio("wall") == row.ratio("cpu") == 1.0
    assert str(row) == "| list | portable | 4.00 s | 1.00 | 2.00 s | 1.00 | 1 MiB |"


@pytest.mark.long
def test_every_client_is_measured_in_every_row_directly_and_over_the_link() -> None:
    command = [sys.executable, "-m", "bench.etl", "--quick", "--rounds=1"]
    ended = subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    printed = ended.stdout
    place = Place("", "", "", {}, etl.QUICK, one_by_one=2)
    for title in ("### Directly", "### Over a link of 20 ms"):
        rows = printed.partition(title)[2].partition("###")[0]
        for job in etl.jobs(place):
            what = job.what.partition(" objects of 8 KiB, one by one")[0].rstrip("0123456789")
            for client in job.clients:
                assert any(row.startswith(f"| {what}") and f"| {client} |" in row for row in rows.splitlines()), (job, client)
    assert "Others, the server among them, used " in printed
