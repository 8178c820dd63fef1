"""Offers, resets, links and clocks in any order, against a model of what must hold afterwards.

The model knows nothing of states or records. It knows what was offered and accepted, which
sessions the link saw, and what the rules say about those. ``make soak`` runs it longer.
"""

import os
from contextlib import ExitStack
from itertools import cycle
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rotation_world import (
    CA1,
    CA3,
    CA4,
    CREATED,
    DAY,
    KEYS_1,
    KEYS_2,
    KEYS_3,
    POWER_ON,
    RETIRE,
    REVOKE,
    SG2,
    YEAR,
    Board,
    PowerCut,
    Server,
    keys,
    offered,
)
from urootlet.bundle import Bundle
from urootlet.errors import Error

EXAMPLES = int(os.environ.get("ROOTLET_EXAMPLES", "60"))
KEY_SETS = {1: KEYS_1, 2: KEYS_2, 3: KEYS_3}
ROOTS = st.sampled_from([CA1, CA3, CA4])
#: What the factory set trusts, and the thief of an old root's key has.
FACTORY_ROOT = SG2
WITHIN = 16  # writes of one step: a staging, a trial and what recovery adds


def order(data):
    """Return (key set, sequence): what the floor compares (rule 6)."""
    found = Bundle(data)
    return found.key_set, found.sequence


def roots_of(data):
    found = Bundle(data)
    held = {found.original(index) for index in range(len(found.anchors))}
    every = (CA1, CA3, CA4, SG2)
    return {name for name in every if Bundle(offered((name,), 1)).original(0) in held}


class Rotations(RuleBasedStateMachine):
    """One device in the hands of everybody at once."""

    @initialize()
    def power_on(self):
        self.flashed = offered((CA1,), 1)
        self.factory = offered((FACTORY_ROOT,), 1)
        self.exit = ExitStack()
        self.board = Board(self.flashed, (self.factory, keys(KEYS_1)))
        self.exit.enter_context(self.board)
        # What decides, once a start, whether a clock behind the last trial keeps a candidate.
        self.luck = cycle(range(256))
        chance = patch("urootlet.rotation.urandom", lambda _: bytes([next(self.luck)]))
        self.exit.enter_context(chance)
        self.now = self.board.clock
        self.root, self.fault = CA1, ""
        self.lie: int | None = None
        link = self.board.link
        link.answer, link.ntp = self.answer, self.ntp
        link.config.offers = "offers"
        link.config.recovery = ["http://fleet"]
        self.accepted = {self.flashed: None}
        self.history = []
        self.sealed = (0, 0)
        self.revoked = False
        self.highest = (0, 0)
        self.version = 1
        self.staged = []
        self.seen = 0
        self.last_active = self.flashed

    def teardown(self):
        if not hasattr(self, "board"):
            return
        try:
            self.converge()
        finally:
            self.exit.close()

    # The world.

    def answer(self, found, application):
        if self.fault == "cut":
            self.fault = ""
            raise PowerCut
        if self.fault == "down":
            return Error("NET", "")
        if self.fault == "impostor, forwards control" and application:
            return Server("nobody")
        root = FACTORY_ROOT if self.fault == "thief" else self.root
        connack = 5 if self.fault == "refuses" and application else 0
        return Server(root, self.now - 30 * DAY, self.now + 245 * DAY, connack)

    def ntp(self):
        return None if self.lie is None else self.now + self.lie

    def safely(self, step):
        """Take a step; when the power goes in it, start again."""
        written = len(self.board.flash.writes)
        try:
            return step()
        except PowerCut:
            self.board.boot()
            return "cut"
        finally:
            self.board.flash.cut = None
            self.board.flash.broken = False
            assert len(self.board.flash.writes) - written <= WITHIN

    # Offers.

    @rule(root=ROOTS, more=st.booleans(), flags=st.sampled_from([0, 0, 0, RETIRE, REVOKE, 3]),
          step=st.sampled_from([1, 2, 1000, 1001]), late=st.integers(0, 3))  # fmt: skip
    def offer_a_good_bundle(self, root, more, flags, step, late):
        roots = tuple(sorted({root, CA1})) if more else (root,)
        sequence = self.highest[1] if self.highest[0] == self.version else 0
        made = offered(
            roots,
            min(sequence + step, 2**32 - 1),
            key_set=self.version,
            flags=flags,
            created=CREATED + late * 10 * DAY,
        )
        self.history.append(made)
        self.offer(made)

    @precondition(lambda self: self.history)
    @rule(data=st.data())
    def replay(self, data):
        self.offer(data.draw(st.sampled_from(self.history)))

    def offer(self, made):
        """Offer a signed bundle, and hold the answer against the rules."""
        board = self.board
        floor = max(self.floor(), self.waiting() or (0, 0))
        version = board.trust.store.record.keys
        fresh = order(made) > floor and order(made)[0] == version
        base = self.floor()[1] if self.floor()[0] == order(made)[0] else 0
        fits = fresh and order(made)[1] - base <= 1000
        broken = board.flash.broken or board.flash.cut is not None
        before = dict(board.flash.files)
        answer = self.safely(lambda: board.offer(made))
        if answer == "":
            assert fits or made in self.accepted
            self.accept(made)
        elif answer == "cut":
            if board.candidate == made:
                self.accept(made)
            elif made in (board.flash.files.get("ta"), board.flash.files.get("tb")):
                # Its bytes are there and the record is not: it may go on where it was cut off.
                self.accepted[made] = None
                self.staged.append(self.day(made))
                self.highest = max(self.highest, order(made))
        elif not broken:
            assert board.flash.files == before
            today = self.day(made)
            assert answer == "same" or not fits or self.staged.count(today) >= 3
        return answer

    def accept(self, made):
        self.accepted[made] = None
        self.staged.append(self.day(made))
        self.highest = max(self.highest, order(made))
        if Bundle(made).flags & REVOKE:
            self.sealed = max(self.sealed, order(made))
            self.revoked = True

    def day(self, made):
        """Return the day that a staging counts for: a clock that is behind proves none."""
        today, created = self.board.clock // DAY, Bundle(made).created // DAY
        return max([created, *self.staged[-1:]]) if created > today else today

    @rule(kind=st.sampled_from(["unsigned", "one signer", "fleet", "jump", "keys", "bytes"]))
    def offer_a_bad_bundle(self, kind):
        sequence, version = self.highest[1] + 1, self.version
        made = {
            "unsigned": lambda: offered((SG2,), 0),
            "one signer": lambda: offered((SG2,), sequence, key_set=version, signed=(0,)),
            "fleet": lambda: offered((SG2,), sequence, key_set=version, target="fans"),
            "jump": lambda: offered((SG2,), self.highest[1] + 2001, key_set=version),
            "keys": lambda: offered((SG2,), 1, key_set=version % 3 + 1),
            "bytes": lambda: offered((SG2,), sequence, key_set=version)[:-1],
        }[kind]()
        self.board.flash.cut = None
        if kind == "jump" and version < self.board.trust.store.record.keys:
            return
        self.board.refuses(made)

    @rule(version=st.integers(1, 3), signed=st.booleans())
    def offer_keys(self, version, signed):
        one = KEY_SETS[version]
        data = keys(one) if signed else keys(one)[:-392]
        before = self.version
        answer = self.safely(lambda: self.board.offer(data))
        now = self.board.trust.store.keys().version
        if answer == "":
            assert (version, signed) == (before + 1, True)
        if answer != "cut" and not self.board.flash.broken:
            assert now == (before + 1 if answer == "" else before)
        assert now in (before, before + 1)
        self.version = now

    @rule()
    def publish_for_recovery(self):
        self.board.urls["http://fleet/latest.rlt"] = max(self.accepted, key=order)

    # Faults.

    @rule(writes=st.integers(0, 8), landed=st.booleans())
    def arm_a_power_cut(self, writes, landed):
        self.board.flash.cut, self.board.flash.landed = writes, landed

    @rule()
    def wear_the_flash(self):
        self.board.flash.broken = True

    @rule(fault=st.sampled_from(
        ["", "", "down", "thief", "refuses", "impostor, forwards control", "cut"]
    ))  # fmt: skip
    def set_the_link(self, fault):
        self.fault = fault

    @rule()
    def a_thief_answers_after_a_while(self):
        self.fault, self.lie = "thief", 0
        self.wait(DAY)
        self.connect_once()
        self.fault = ""

    @rule()
    def the_service_moves_on_and_the_link_is_good(self):
        self.fault, self.lie = "", 0
        self.wait(DAY)
        self.root = min(roots_of(self.pending()))
        self.connect_once()

    @rule(root=ROOTS)
    def move_the_service(self, root):
        self.root = root

    @rule(lie=st.sampled_from([None, 0, 0, -30 * YEAR, YEAR, 9 * YEAR, 70 * YEAR]))
    def set_ntp(self, lie):
        self.lie = lie

    @rule(seconds=st.sampled_from([10, 1000, DAY, 40 * DAY]))
    def wait(self, seconds):
        self.now += seconds
        self.board.later(seconds)

    @rule(clock=st.booleans())
    def reset(self, clock):
        if clock:
            self.board.set(POWER_ON)
        self.board.boot()

    @precondition(lambda self: self.both_records_are_whole())
    @rule(name=st.sampled_from(["s0", "s1"]), byte=st.integers(0, 95), bit=st.integers(0, 7))
    def flip_a_bit_of_a_record(self, name, byte, bit):
        if name in self.board.flash.files:
            self.board.flash.flip(name, byte, 1 << bit)
            self.board.boot()
            self.check_floor()
            self.board.flash.flip(name, byte, 1 << bit)
            self.board.boot()

    def both_records_are_whole(self):
        files = self.board.flash.files
        return files.get("s0") == files.get("s1")

    @rule(again=st.integers(1, 3))
    def connect(self, again):
        for _ in range(again):
            self.connect_once()

    def connect_once(self):
        worn = self.board.flash.broken
        if self.safely(self.board.connect) == "":
            # An older set never carries the application's data; a new one that could not be
            # written down as the active set may.
            serves = self.board.link.sessions[-1].data
            assert serves == self.board.active or (worn and serves == self.board.candidate)
        self.check_sessions()

    # What must hold.

    def floor(self):
        floor = self.board.trust.store.record.floor
        return (floor[0], floor[1])

    def waiting(self):
        data = self.board.candidate
        return data and order(data)

    @invariant()
    def check_floor(self):
        if not hasattr(self, "board"):
            return
        floor = self.floor()
        assert floor >= getattr(self, "last_floor", (0, 0)), "the floor never falls"
        self.last_floor = floor
        active = self.board.active
        assert active in self.accepted, "a usable set is there, and it is one that was accepted"
        assert floor <= order(active), "the floor is never above the active set"

    @invariant()
    def check_sessions(self):
        """Every handshake since the last look was by a set that might authenticate then."""
        if not hasattr(self, "board"):
            return
        if self.board.state == "revoke":
            self.sealed = max(self.sealed, self.waiting() or (0, 0))
        allowed = [one for one in self.accepted if order(one) >= self.sealed]
        for session in self.board.link.sessions[self.seen :]:
            if session.data:
                lower = session.data == self.factory or order(session.data) < self.sealed
                assert not (lower and self.sealed > (0, 0)), "nothing older after a retire"
            else:
                assert any(session.server.root in roots_of(one) for one in allowed)
        confirmed = self.board.active
        assert confirmed is not None
        if confirmed != self.last_active:
            tried = {one.data for one in self.board.link.sessions if one.application}
            assert confirmed in tried, "new is active only after a completed trial"
            self.last_active = confirmed
            if Bundle(confirmed).flags:
                self.sealed = max(self.sealed, order(confirmed))
        self.seen = len(self.board.link.sessions)

    @invariant()
    def check_record(self):
        if not hasattr(self, "board"):
            return
        record = self.board.trust.store.record
        assert record.attempts <= 3
        active = Bundle(self.board.active or b"")
        assert record.time_floor <= active.created + 5 * YEAR
        assert record.last_bad == bytes(8), "nothing here is bad, so nothing is banned"

    def pending(self):
        """Return what the device is to end on: a candidate that is whole, or the active set."""
        active, files = self.board.active, self.board.flash.files
        assert active is not None
        if self.board.state == "idle":
            return active
        slots = [files[name] for name in ("ta", "tb") if files.get(name) in self.accepted]
        if self.board.candidate in slots and self.board.state == "revoke":
            return max([active, *slots], key=order)  # newer keys do not give up the only way
        current = [one for one in slots if order(one)[0] == self.version]
        return max([active, *current], key=order)

    def converge(self):
        """Everything is well again: the newest set that was accepted is active within 4 boots.

        Where the clock was years ahead at the last trial, only chance brings the next: it does.
        """
        board = self.board
        self.luck = cycle([0])
        board.flash.cut, board.flash.broken = None, False
        self.fault, self.lie = "", 0
        board.boot()
        wanted = self.pending()
        self.root = min(roots_of(wanted))
        for _ in range(4):
            self.wait(DAY)
            answer = board.connect()
            self.check_sessions()
            board.boot()
        assert (answer, board.active, board.state) == ("", wanted, "idle")


def test_any_order_of_offers_resets_links_and_clocks():
    run_state_machine_as_test(
        Rotations,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            deadline=None,
            derandomize=EXAMPLES == 60,
            suppress_health_check=list(HealthCheck),
        ),
    )
