"""The report's page: whole, escaped, labelled, readable. `make browser` opens it as well."""

import json
import os
import pty
import signal
import subprocess
import sys
import tty
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner

import rollout_cases as cases
from page_cases import AT, HOSTILE, MARKUP, PAGES, REPORTS
from rootlet import board, path, report, rotate
from rootlet.aws import jobs as service
from rootlet.cli import cli
from rootlet.page import draw, html
from rootlet.page.style import DARK, INKS, LIGHT
from rootlet.rotate import Held


class Reader(HTMLParser):
    """Tags with their attributes, and all text by the id of the section that holds it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.sections, self._section = [], {}, ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "section":
            self._section = dict(attrs)["id"]

    def handle_data(self, data):
        self.sections[self._section] = self.sections.get(self._section, "") + data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module", params=PAGES)
def text(request):
    return PAGES[request.param]()


@pytest.fixture
def read(text):
    return Reader(text)


class TestEveryPage:
    def test_is_well_formed(self, text):
        for empty in ("meta",):
            text = text.replace(f"<{empty} ", f"<{empty} x='' ")
        body = text[text.index("<body>") : text.index("</html>")]
        ET.fromstring(body)

    def test_has_no_script_and_asks_nobody(self, text, read):
        assert "default-src 'none'" in text
        assert not {"script", "img", "link", "iframe", "object", "form"} & {
            t for t, _ in read.tags
        }
        loading = {"src", "srcset", "data", "action", "xlink:href"}
        for tag, attrs in read.tags:
            assert not loading & attrs.keys()
            assert not [name for name in attrs if name.startswith("on")]
            assert tag != "a" or attrs["href"].startswith("#")
        assert "url(" not in text.replace("url(#hatch)", "")

    def test_escapes_what_comes_from_outside(self, text):
        for one in MARKUP:
            assert one not in text

    def test_has_landmarks_one_heading_and_labels(self, read):
        (root,) = read.all("html")
        assert root["lang"] == "en"
        for landmark in ("main", "header", "footer", "nav", "h1", "title"):
            assert len(read.all(landmark)) == 1 or landmark == "title"
        ids = [attrs["id"] for _, attrs in read.tags if "id" in attrs]
        assert len(ids) == len(set(ids))
        for attrs in (attrs for _, attrs in read.tags):
            assert set(attrs.get("aria-labelledby", "").split()) <= set(ids)
        assert {a["href"][1:] for a in read.all("a")} <= set(ids)
        assert len(read.all("h2")) == len(read.all("section"))

    def test_pictures_say_what_they_show_and_tables_name_rows_and_columns(self, read):
        for one in read.all("svg"):
            assert one.get("aria-hidden") == "true" or one["role"] == "img"
        assert len(read.all("caption")) == len(read.all("table"))
        assert {one["scope"] for one in read.all("th")} == {"col", "row"}


class TestContents:
    def test_a_bundle_has_anchors_ends_verifiers_and_costs(self):
        read = Reader(PAGES["bundle"]())
        assert list(read.sections)[1:5] == ["bundle", "timeline", "services", "budget"]
        assert "starfield-g2" in read.sections["bundle"]
        assert "seen on 2027-01-01" in read.sections["timeline"]
        for model in path.MODELS.values():
            assert model.name in read.sections["services"]
        assert "iot-data-ats" in read.sections["services"]
        assert "TLS heap in a handshake" in read.sections["budget"]
        assert "95,600" in read.sections["budget"]

    def test_a_board_tells_its_state_too(self):
        told = Reader(PAGES["board"]()).sections
        assert "1.2" in told["rotation"]
        assert "12 writes of the record" in told["rotation"]
        assert HOSTILE in told["rotation"]
        assert "SUCCEEDED confirmed" in told["rotation"]
        assert "ESP32 (esp32)" in told["budget"]

    def test_a_fleet_has_its_picture_jobs_and_failures(self):
        told = Reader(PAGES["fleet"]()).sections
        assert "7 of 9 (77.8%)" in told["rollout"]
        assert f"FAILED {HOSTILE}"[:40] in told["rollout"]
        assert "name it with --board" in told["budget"]

    def test_a_board_without_a_bundle_says_so(self):
        told = Reader(PAGES["empty"]()).sections
        assert "no bundle" in told["bundle"]
        assert "services" not in told

    def test_a_bar_that_is_too_long_is_marked(self):
        assert 'class="over" width="100.0"' in html.bar("9", 1.5)
        assert 'class="within" width="50.0"' in html.bar("9", 0.5)


class TestServed:
    """What the models say, with anchors in the form that the bundle has."""

    def answers(self, ids, **more):
        made = cases.make(2, ids, **more)
        found = report.of_file(bytes(made.data), "x", AT, board.load("esp32")).served
        return {
            (row.service, row.chain[:3], name): one.accepted
            for row in found
            for name, one in row.answers.items()
        }

    def test_both_roots_serve_iot_where_only_the_path_counts(self):
        found = self.answers(cases.BOTH)
        for family in ("RSA", "ECD"):
            for model in ("mbedtls", "openssl", "openssl-strict"):
                assert found["iot-data-ats", family, model] == "yes"

    def test_wolfssl_verifies_whatever_is_sent_so_a_cross_sign_needs_its_root(self):
        assert self.answers(cases.BOTH)["iot-data-ats", "RSA", "wolfssl"] == "partly"
        every = self.answers(
            ("amazon-root-ca-1", "starfield-g2", "starfield-class-2"), signed_by=1
        )
        assert every["iot-data-ats", "RSA", "wolfssl"] == "yes"

    def test_one_family_is_not_asked_about_the_other(self):
        found = self.answers(("amazon-root-ca-3",), profile=1)
        assert {family for _, family, _ in found} == {"ECD"}

    def test_starfield_alone_serves_what_is_sent_with_its_cross_sign(self):
        found = self.answers(("starfield-g2",))
        assert found["iot-data-ats", "RSA", "mbedtls"] == "partly"

    def test_esp_idf_looks_at_the_last_certificate_only(self):
        assert self.answers(("amazon-root-ca-1",))["iot-data-ats", "RSA", "esp-idf"] == "partly"

    def test_a_root_that_signed_nothing_serves_nothing(self):
        found = self.answers(("digicert-global-root-g2",))
        assert set(found.values()) == {"no"}


def luminance(colour):
    """WCAG 2.2, relative luminance."""
    values = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return sum(v * w for v, w in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ink", INKS)
@pytest.mark.parametrize("ground", ["page", "panel"])
def test_text_has_a_contrast_of_4_5(colours, ink, ground):
    light, dark = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


class TestCommand:
    def run(self, *words):
        return CliRunner().invoke(cli, ["report", *map(str, words)])

    @pytest.fixture
    def file(self, tmp_path):
        made = tmp_path / "pumps-2.rlt"
        made.write_bytes(bytes(cases.make(2).data))
        return made

    def test_writes_the_page_and_one_document(self, tmp_path, file):
        page = tmp_path / "a.html"
        done = self.run("--bundle", file, "--board", "esp32", "--html", page, "--json")
        document = json.loads(done.stdout)
        assert document["schema"] == "rootlet/report/1"
        assert document["bundle"]["target"] == "pumps"
        assert {one["service"] for one in document["served"]} >= {"iot-data-ats", "s3"}
        assert {one["what"] for one in document["costs"]} >= {"file in its slot"}
        assert page.read_text().startswith("<!doctype html>")

    def test_a_board_has_the_jobs_of_its_thing(self, some_aws, monkeypatch):
        """Nobody is asked here: test_rotate_command.py asks a board, test_rollout.py a service."""
        page = REPORTS["board"]()
        held = Held(bytes(cases.make(2).data), dict(page.status), "Generic ESP32 module")
        monkeypatch.setattr(rotate, "held", lambda port: held)
        monkeypatch.setattr(service, "history", lambda account, thing: page.history)
        done = self.run("--port", "/dev/ttyUSB0", "--thing", "pump-7", "--json")
        first, second = json.loads(done.stdout)["history"]
        assert (first["job_id"], first["status"]) == ("rl-pumps-1-3-add-f", "FAILED")
        assert first["reason"] == HOSTILE[:64]
        assert (second["sequence"], second["wave"], second["updated"]) == (2, "fleet", None)

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ((), "of what?"),
            (("--bundle", "FILE", "--fleet", "pumps", "--html", "a"), "of what?"),
            (("--bundle", "FILE"), "where to?"),
            (("--bundle", "FILE", "--thing", "pump-7", "--html", "a"), "--thing goes with"),
            (("--bundle", os.devnull, "--html", "a"), "not a bundle"),
            (("--bundle", "FILE", "--html", "FILE"), "is the bundle itself"),
            (("--bundle", "FILE", "--board", "esp23", "--html", "a"), "no board is called"),
        ],
    )
    def test_refuses(self, file, words, said):
        before = file.read_bytes()
        done = self.run(*(file if word == "FILE" else word for word in words))
        assert said in str(done.exception)
        assert file.read_bytes() == before
        assert [*file.parent.iterdir()] == [file]


class TestEndings:
    """Of the program itself, as it runs in a shell."""

    def start(self, *words, **streams):
        return subprocess.Popen(
            [sys.executable, "-m", "rootlet", "report", *map(str, words)],
            stderr=subprocess.PIPE,
            text=True,
            **streams,
        )

    def test_a_reader_that_has_gone_gets_no_traceback_and_the_page_is_whole(self, tmp_path):
        (tmp_path / "a.rlt").write_bytes(bytes(cases.make(2).data))
        page = tmp_path / "a.html"
        gone, end = os.pipe()
        os.close(gone)
        with self.start(
            "--bundle", tmp_path / "a.rlt", "--html", page, "--json", stdout=end
        ) as run:
            os.close(end)
            _, errors = run.communicate(timeout=60)
        assert (run.returncode, errors) == (1, "")
        assert page.read_text().endswith("</html>\n")

    def test_ctrl_c_while_a_board_says_nothing_leaves_no_page(self, tmp_path):
        line, inner = pty.openpty()
        tty.setraw(inner)
        port, page = os.ttyname(inner), tmp_path / "a.html"
        with (
            os.fdopen(line, "rb", buffering=0) as board,
            self.start("--port", port, "--html", page, stdout=subprocess.PIPE) as run,
        ):
            assert board.read(1)  # it has begun to ask
            run.send_signal(signal.SIGINT)
            told, errors = run.communicate(timeout=60)
        os.close(inner)
        assert (run.returncode, told, errors.strip()) == (130, "", "interrupted")
        assert list(tmp_path.iterdir()) == []


class TestWhichBoard:
    @pytest.mark.parametrize(
        ("machine", "found"),
        [
            ("Generic ESP32 module with ESP32", "esp32"),
            ("Generic ESP32S3 module with ESP32S3", "esp32s3"),
            ("Raspberry Pi Pico W with RP2040", "pico-w"),
            ("PYBv1.1 with STM32F405RG", None),
            ("linux [GCC 14.2.0] version", "virtual"),
            ("", None),
        ],
    )
    def test_the_machine_names_the_chip(self, machine, found):
        seen = board.of_machine(machine)
        assert (seen.id if seen else None) == found


def test_every_kind_of_report_is_drawn():
    assert {name: bool(draw(make())) for name, make in REPORTS.items()} == dict.fromkeys(
        PAGES, True
    )
