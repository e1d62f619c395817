"""SeaweedFS's audit log, received from its Fluentd client as JSON over a loopback connection."""

import codecs
import json
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """One request that a server answered."""

    method: str
    bucket: str
    key: str
    status: int


class AuditSink:
    """Listens for the log and keeps its entries in order of arrival."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._arrived = threading.Condition()
        self._requests: list[Request] = []
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def configuration(self) -> str:
        """What SeaweedFS's `-s3.auditLogConfig` file must say."""
        port = self._listener.getsockname()[1]
        return json.dumps({"fluent_host": "127.0.0.1", "fluent_port": port, "fluent_network": "tcp", "marshal_as_json": True})

    def requests(self) -> list[Request]:
        """Return what has arrived."""
        with self._arrived:
            return list(self._requests)

    def wait_for(self, key: str, *, seconds: float) -> None:
        """Wait for a request to `key`. The log is one ordered stream, so all earlier requests have then arrived too."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: any(request.key == key for request in self._requests), seconds):
                raise TimeoutError(f"the audit log did not show {key} within {seconds} s")

    def close(self) -> None:
        """Stop listening."""
        for open_socket in (self._listener, *self._connections):
            with suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
            open_socket.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                reader = threading.Thread(target=self._read, args=(connection,), daemon=True)
                self._threads.append(reader)
                reader.start()

    def _read(self, connection: socket.socket) -> None:
        parser, characters, text = json.JSONDecoder(), codecs.getincrementaldecoder("utf-8")(), ""
        with suppress(OSError):
            while chunk := connection.recv(1 << 16):
                text += characters.decode(chunk)
                while text := text.lstrip():
                    try:
                        (_tag, _time, record, *_), end = parser.raw_decode(text)
                    except ValueError:
                        break  # the rest of this entry is still to come
                    text = text[end:]
                    self._keep(record)

    def _keep(self, record: dict[str, str]) -> None:
        method = record["operation"].split(".")[1]
        with self._arrived:
            self._requests.append(Request(method, record["bucket"], record["key"], int(record["status"])))
            self._arrived.notify_all()
