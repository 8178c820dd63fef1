"""Phases that lead a fleet from one set of anchors to another."""

import json
from datetime import date

import pytest

import rollout_cases as cases
from fixtures_aws import command
from rootlet import bundle, catalog, plan, signing
from rootlet.errors import InputError, TrustError
from urootlet import format_cpython as layout

BOTH, RSA, ECDSA = layout.RSA | layout.ECDSA, layout.RSA, layout.ECDSA


def names(made):
    return [one.name for one in made.phases]


def ids(phase):
    return {one.id for one in phase.anchors}


class TestThePhases:
    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            ((cases.OLD, ECDSA), (cases.NEW, RSA), ["add", "switch", "retire"]),
            ((cases.OLD, ECDSA), (cases.BOTH, BOTH), ["add"]),
            ((cases.BOTH, BOTH), (cases.NEW, RSA), ["switch", "retire"]),
            ((cases.BOTH, BOTH), (cases.BOTH, RSA), ["switch"]),
            ((cases.BOTH, RSA), (cases.BOTH, BOTH), ["add"]),
            ((cases.BOTH, RSA), (cases.BOTH, ECDSA), ["add", "switch"]),
        ],
    )
    def test_are_those_that_change_something(self, old, new, expected):
        made = plan.make(
            cases.make(1, old[0], profile=old[1]), cases.make(2, new[0], profile=new[1]), gate=1
        )
        assert names(made) == expected

    def test_add_trusts_both_sides_and_what_follows_only_the_new(self):
        add, switch, retire = cases.phases().plan.phases
        assert ids(add) == {*cases.OLD, *cases.NEW}
        assert ids(switch) == ids(retire) == {*cases.NEW}
        assert (add.profile, switch.profile) == ("both", "rsa")
        assert [one.flags for one in (add, switch, retire)] == [0, 0, layout.RETIRE_PREVIOUS]

    def test_a_stolen_key_makes_one_phase_without_a_way_back(self):
        made = plan.make(cases.start(), cases.goal(), gate=1, revoke=True)
        (phase,) = made.phases
        assert (phase.name, phase.flags) == ("revoke", layout.REVOKE_NOW)
        assert ids(phase) == {*cases.NEW}

    def test_the_size_of_a_phase_is_that_of_its_bundle_with_three_signatures(self):
        add = cases.phases().plan.phases[0]
        assert add.size == len(cases.make(2, signed_by=3).data)

    def test_nothing_to_do_is_said(self):
        with pytest.raises(InputError, match="trust the same"):
            plan.make(cases.start(), cases.make(5, cases.OLD, profile=ECDSA), gate=1)

    def test_two_fleets_are_refused(self):
        with pytest.raises(InputError, match="for pumps, the new one for fans"):
            plan.make(cases.start(), cases.make(2, target="fans"), gate=1)

    def test_a_goal_that_nobody_signed_belongs_to_any_fleet(self):
        root = catalog.load().get(cases.NEW[0])
        goal = bundle.encode(
            [bundle.Anchor(root.der, bytes.fromhex(root.sha256))],
            target="default",
            profile=RSA,
            created=cases.CREATED,
        )
        made = plan.make(cases.start(), layout.Bundle(goal), gate=1)
        assert (made.target, names(made)) == ("pumps", ["add", "switch", "retire"])

    def test_a_phase_that_is_too_long_for_a_bundle_is_refused(self):
        many = ("amazon-root-ca-2", "starfield-g2", "digicert-global-root-g2")
        other = ("amazon-root-ca-1", "baltimore-cybertrust-root", "verisign-class3-g5")
        with pytest.raises(TrustError, match="phase add does not fit"):
            plan.make(
                cases.make(1, many, profile=RSA, signed_by=1),
                cases.make(2, other, profile=RSA, signed_by=1),
                gate=1,
            )


class TestTheCalendar:
    def test_holds_both_ends_of_each_anchor_by_day(self):
        ends = cases.phases().plan.calendar
        assert [one.day for one in ends] == sorted(one.day for one in ends)
        told = {(one.label, one.what): (one.day, one.removed) for one in ends}
        ca1 = ("amazon-root-ca-1", "the certificate ends")
        assert told[ca1] == (date(2038, 1, 17), False)
        programmes = ("amazon-root-ca-3", "root programmes end their trust")
        assert told[programmes] == (catalog.load().get("amazon-root-ca-3").programme_end, True)


class TestWhichPhaseABundleIsOf:
    @pytest.mark.parametrize("name", ["add", "switch", "retire"])
    def test_is_told_by_anchors_profile_and_flags(self, name):
        found = cases.phases()
        assert found.plan.phase_of(getattr(found, name)).name == name

    @pytest.mark.parametrize(
        ("made", "why"),
        [
            (lambda: cases.make(2, cases.OLD), "lacks amazon-root-ca-1"),
            (lambda: cases.make(2, (*cases.BOTH, "amazon-root-ca-4")), "also holds amazon-root"),
            (lambda: cases.make(2, profile=RSA), "cipher profile is rsa, not both"),
            (lambda: cases.make(2, cases.NEW, profile=RSA, flags=3), "flags"),
            (lambda: cases.make(2, flags=layout.RETIRE_PREVIOUS), "also holds amazon-root-ca-3"),
        ],
    )
    def test_any_other_is_refused_with_the_nearest(self, made, why):
        with pytest.raises(TrustError, match="no phase of this plan") as refused:
            cases.phases().plan.phase_of(made())
        assert why in refused.value.why
        assert "rootlet build" in refused.value.hint

    def test_another_fleet_s_is_refused(self):
        with pytest.raises(TrustError, match="for fans, the plan for pumps"):
            cases.phases().plan.phase_of(cases.make(2, target="fans"))


class TestTheFile:
    def test_is_read_back_as_it_was(self):
        made = cases.phases().plan
        assert plan.decode(made.encode(), "plan.json") == made

    @pytest.mark.parametrize(
        "change",
        [
            lambda d: d.update(schema="rootlet/plan/2"),
            lambda d: d.update(gate=0),
            lambda d: d.update(gate="x"),
            lambda d: d.update(phases=[]),
            lambda d: d.update(phases=7),
            lambda d: d["phases"][0].update(name="burn"),
            lambda d: d["phases"][0].update(profile="none"),
            lambda d: d["phases"][0].update(size=float("inf")),
            lambda d: d["phases"][0]["anchors"][0].update(label=7),
            lambda d: d["phases"][0]["anchors"][0].update(more="x"),
            lambda d: d["calendar"][0].update(day="never"),
            lambda d: d.pop("target"),
            lambda d: d.update(target="NO!"),
        ],
    )
    def test_is_refused_when_it_says_something_else(self, change):
        document = cases.phases().plan.document()
        change(document)
        with pytest.raises(InputError):
            plan.decode(json.dumps(document).encode(), "plan.json")

    @pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000])
    def test_is_refused_when_it_is_none(self, data):
        with pytest.raises(InputError, match=r"plan\.json is not a plan"):
            plan.decode(data, "plan.json")


def test_the_command_of_a_phase_builds_that_phase(tmp_path, monkeypatch):
    """The words that the plan prints are the words that make what it asks for."""
    monkeypatch.chdir(tmp_path)
    made = cases.phases().plan
    (tmp_path / "KEYS.rlk").write_bytes(bytes(cases.key_set().data))
    (tmp_path / "PREVIOUS.rlt").write_bytes(bytes(cases.start().data))
    for phase in made.phases:
        words = plan.build_command(made, phase, "esp32").split()[1:]
        assert command(*words, "--created", str(cases.CREATED)).exit_code == 0
        unsigned = signing.parse((tmp_path / words[-1]).read_bytes(), words[-1])
        assert made.phase_of(unsigned.as_bundle()) == phase
