"""A state machine: whatever happens at both hosts, the totals reconcile after every step, and a clean end is a true one."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from migrate.copy import copy_objects
from migrate.deletions import delete_vanished
from migrate.verify import verify_objects
from portable.errors import Denied, ObjectChanged, Unavailable
from tests.migrate.copy.places import Exchange, Verb

KEYS = st.sampled_from(["a", "b/c", "été", "d"])
ERRORS = st.sampled_from([Unavailable("no answer"), Denied("not allowed"), ObjectChanged("replaced")])


class Migrating(RuleBasedStateMachine):
    """Users change the source, a host loses and damages copies, and the migration goes on in any order."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.exchange = Exchange(Path(self.folder.name))
        self.tampered: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "exchange"):
            self.finish()
            self.exchange.journal.close()
            self.folder.cleanup()

    @rule(key=KEYS, data=st.binary(max_size=9_000))
    def write_at_source(self, key: str, data: bytes) -> None:
        self.exchange.put(key, data)

    @rule(key=KEYS)
    def delete_at_source(self, key: str) -> None:
        self.exchange.source.delete(key)

    @rule(key=KEYS)
    def lose_copy(self, key: str) -> None:
        self.exchange.target.delete(key)
        self.tampered.discard(key)

    @rule(key=KEYS)
    def replace_copy(self, key: str) -> None:
        self.exchange.target.backend.put(key, b"not a message")
        self.tampered.add(key)

    @rule()
    def take_inventory(self) -> None:
        self.exchange.take_inventory()

    @rule(keys=st.sets(KEYS), verb=st.sampled_from(["get", "put"]), error=ERRORS)
    def copy_through_faults(self, keys: set[str], verb: str, error: Exception) -> None:
        faults = Verb(verb)
        faults.fail_always(error, *keys)
        source = self.exchange.meddled_source(faults) if verb == "get" else self.exchange.source
        target = self.exchange.meddled_target(faults) if verb == "put" else self.exchange.target
        try:
            copy_objects(self.exchange.journal, source, target, workers=2)
        except Denied:
            assert verb == "put"

    @rule()
    def copy(self) -> None:
        copy_objects(self.exchange.journal, self.exchange.source, self.exchange.target, workers=2)

    @rule(only_copied=st.booleans())
    def verify(self, only_copied: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        found = verify_objects(
            self.exchange.journal, self.exchange.source, self.exchange.target, only_copied=only_copied, workers=2
        )
        if found.clean and not only_copied:
            assert not self.tampered

    @rule()
    def carry_deletions(self) -> None:
        delete_vanished(self.exchange.journal, self.exchange.target, workers=2)

    @invariant()
    def totals_reconcile(self) -> None:
        if hasattr(self, "exchange"):
            assert self.exchange.journal.totals().reconciled

    @invariant()
    def nothing_foreign_is_touched(self) -> None:
        for key in getattr(self, "tampered", ()):
            assert bytes(self.exchange.target.backend.get(key).data) == b"not a message"

    def finish(self) -> None:
        """Remove what is foreign, as the reasons ask for, and bring the migration to its end."""
        for key in self.tampered:
            self.exchange.target.delete(key)
        self.tampered.clear()
        for attempt in (self.take_inventory, self.carry_deletions, self.copy):
            attempt()
        # The journal cannot know what a host lost since the last look; verification tells, and the next copy repairs.
        verify_objects(self.exchange.journal, self.exchange.source, self.exchange.target, workers=2)
        self.copy()
        found = verify_objects(self.exchange.journal, self.exchange.source, self.exchange.target, workers=2)
        assert found.clean
        assert self.exchange.journal.totals().all_verified
        originals = {info.key: self.exchange.source.read(info.key) for info in self.exchange.source.list()}
        assert self.exchange.target_holds() == originals


Migrating.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestTotals = Migrating.TestCase
