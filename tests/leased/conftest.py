"""A volume that moves between two stores in memory, and hands on its backends that a test can hold up."""

import threading
import time
import uuid
from dataclasses import dataclass, field

import pytest

from migrate.switch import Switch
from portable.backends.location import Location
from portable.backends.registry import open_backend
from portable.catalog.entry import Home, sign_entry
from portable.catalog.homes import Homes
from portable.catalog.local import LocalCatalog
from portable.catalog.pins import Pins
from portable.catalog.transitions import first_entry
from portable.keys.authority import Authority
from portable.keys.volume_keys import VolumeKeys
from portable.leased import LeasedVolume
from portable.volume import Volume

LEASE = 0.6
FROZEN_LEASE = 0.2


@pytest.fixture(scope="session")
def authority():
    return Authority.generate()


class Clock:
    """Stands for the module `time` in the clock of leases: real time, and what was skipped."""

    def __init__(self):
        self._skipped = 0.0

    def skip(self, seconds):
        """Let seconds pass at once, for everyone who looks at the clock."""
        self._skipped += seconds

    def clock_gettime(self, clock):
        return time.clock_gettime(clock) + self._skipped


@dataclass
class Held:
    """A backend whose puts wait, before or after they reach the store, until the test lets them go."""

    backend: object
    before: threading.Event = field(default_factory=threading.Event)
    after: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self):
        self.before.set()
        self.after.set()

    def __getattr__(self, name):
        return getattr(self.backend, name)

    def put(self, *args, **options):
        before = self.before.is_set()
        if not before:
            self.arrived.set()
        assert self.before.wait(20)
        stat = self.backend.put(*args, **options)
        if before and not self.after.is_set():
            self.arrived.set()
        assert self.after.wait(20)
        return stat


class World:
    """One volume, two stores, a catalog, clients, and a clock on which the coordinator waits without sleeping."""

    def __init__(self, folder, authority, monkeypatch):
        self.clock = Clock()
        monkeypatch.setattr("portable.clock.time", self.clock)
        name = uuid.uuid4().hex
        self.folder = folder
        self.authority = authority
        self.keys = VolumeKeys.generate("lake", frame_length=4096)
        self.old = Home(url=f"memory://{name}-old", mode="clear")
        self.new = Home(
            url=f"memory://{name}-new", mode="sealed", keyring="k.json", volume="lake", volume_id=self.keys.volume_id.hex()
        )
        self.backends = {home: Held(open_backend(Location(url=home.url))) for home in (self.old, self.new)}
        self.catalog = LocalCatalog(folder / "catalog.json")
        self.catalog.create()
        entry = first_entry("lake", self.old, lease=LEASE, authority=authority.fingerprint)
        self.catalog.compare_and_swap("lake", None, sign_entry(entry, authority), authority.fingerprint)
        self.switch = Switch(self.homes("coordinator"), authority, sleep=self.clock.skip)

    def homes(self, client):
        return Homes(self.catalog, "lake", self.authority.fingerprint, Pins(self.folder / client))

    def client(self, name="client", patience=10.0):
        return LeasedVolume(self.homes(name), lambda home, _: self.at(home), patience=patience)

    def at(self, home):
        return Volume(self.backends[home], self.keys if home.mode == "sealed" else None)

    def freeze(self, *, max_frozen=30.0, wait=True):
        announced = self.switch.announce(self.switch.entry(), self.new, LEASE)
        self.switch.outlast(announced)
        frozen = self.switch.freeze(announced, lease=FROZEN_LEASE, max_frozen=max_frozen)
        if wait:
            self.switch.outlast(frozen)
        return frozen

    def carry(self):
        """Copy everything to the new home, as a final delta does."""
        for info in self.at(self.old).list():
            self.at(self.new).write(info.key, self.at(self.old).read(info.key))

    def move(self):
        frozen = self.freeze()
        self.carry()
        return self.switch.activate(self.switch.flip(frozen, FROZEN_LEASE), LEASE)


@pytest.fixture
def world(tmp_path, authority, monkeypatch):
    return World(tmp_path, authority, monkeypatch)
