"""Source code that does not verify the server is found, line by line, and the rest is not."""

from pathlib import Path
from textwrap import dedent

import pytest

from rootlet.unverified import LANGUAGES, RULES, findings

REPOSITORY = Path(__file__).parents[2]

#: rule -> a MicroPython program that breaks it in its last line
WRONG = {
    "ssl-true": [
        "from umqtt.simple import MQTTClient\nMQTTClient('id', 'host', ssl=True)",
        "import asyncio\nasyncio.open_connection('host', 8883, ssl=True)",
        "from mqtt_as import config\nconfig['ssl'] = True",
    ],
    "cert-none": [
        "import tls\nc.verify_mode = tls.CERT_NONE",
        "from ssl import CERT_NONE\nwrap(cert_reqs=CERT_NONE)",
        "import tls\nc.verify_mode = 0",
        "import ussl\nussl.wrap_socket(s, cert_reqs=0, server_hostname='h')",
    ],
    "cert-optional": ["import tls\nc.verify_mode = tls.CERT_OPTIONAL"],
    "ssl-context": [
        "import ssl\nc = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)",
        "import ssl as s\nuse(s.SSLContext(s.PROTOCOL_TLS_CLIENT))",
        "from ssl import SSLContext\nc = SSLContext(2)",
    ],
    "wrap-socket": [
        "import ssl\nssl.wrap_socket(s, server_hostname='h')",
        "import ussl as ssl\nssl.wrap_socket(s, server_hostname='h')",
    ],
    "ssl-params": [
        "MQTTClient('i', 'h', ssl_params={'key': k, 'cert': c, 'server_hostname': 'h'})",
        "import mqtt_as\nconfig['ssl_params'] = {'cert': c, 'server_hostname': 'h'}",
        "ssl_params = {'server_hostname': 'h'}",
    ],
    "requests": [
        "import requests\nrequests.get('https://host/file')",
        "import urequests as r\nr.get(f'https://{host}/file')",
    ],
    "verify-false": ["get('https://host', verify=False)"],
    "unverified-context": ["import ssl\nc = ssl._create_unverified_context()"],
    "check-hostname": ["c.check_hostname = False"],
    "tls-insecure": ["client.tls_insecure_set(True)"],
    "no-name": ["import tls\nc.wrap_socket(s)"],
    "no-name-params": ["M('i', 'h', ssl_params={'cert_reqs': r, 'cadata': d})"],
}

RIGHT = [
    "import tls\nc = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)\nc.wrap_socket(s, server_hostname=h)",
    "import tls as ssl\nc = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)",
    "import ssl\nc = ssl.SSLContext(2)\nc.verify_mode = ssl.CERT_REQUIRED",
    "import ssl\nself.c = ssl.SSLContext(2)\nself.c.verify_mode = ssl.CERT_REQUIRED",
    "import ssl\nc = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\nc.wrap_socket(s, server_side=True)",
    "if c.verify_mode == tls.CERT_NONE:\n    raise ValueError",
    "from tls import CERT_NONE, CERT_REQUIRED",
    "MQTTClient('i', 'h', ssl=context)",
    "M('i', 'h', ssl=True, ssl_params={'cert_reqs': r, 'cadata': d, 'server_hostname': 'h'})",
    "M('i', 'h', ssl=True, ssl_params=dict(cert_reqs=r, server_hostname='h'))",
    "def __init__(self, ssl_params={}): pass",
    "ssl.wrap_socket(s, **params)",
    "def wrap_socket(self, s, *a, **o): return super().wrap_socket(s, *a, **o)",
    "print('ssl=True and CERT_NONE')  # ssl=True",
    "import requests\nrequests.get('http://host/file')",
    "import requests\nrequests.get(url)",
    "",
]


def names(found):
    by_text = {values: name for name, values in RULES.items()}
    return [by_text[one[1:]] for one in found]


class TestMicroPython:
    @pytest.mark.parametrize(
        ("rule", "source"), [(rule, s) for rule, sources in WRONG.items() for s in sources]
    )
    def test_each_rule_names_the_line(self, rule, source):
        found = findings(source, "micropython")
        assert names(found) == [rule]
        assert found[0].line == len(source.splitlines())

    @pytest.mark.parametrize("source", RIGHT)
    def test_what_verifies_or_cannot_be_told_is_no_finding(self, source):
        assert findings(source, "micropython") == []

    def test_every_rule_has_an_example(self):
        assert set(WRONG) == set(RULES)

    def test_the_sample_of_aws_is_wrong_in_three_ways(self):
        source = dedent("""\
            from umqtt.simple import MQTTClient
            mqtt = MQTTClient(
                client_id=ID, server=HOST, port=8883, keepalive=1200,
                ssl=True,
                ssl_params={'cert': cert, 'key': key, 'server_side': False},
            )
            """)
        found = findings(source, "micropython")
        assert names(found) == ["ssl-true", "ssl-params", "no-name-params"]
        assert [one.line for one in found] == [2, 5, 5]

    def test_a_finding_never_quotes_the_source(self):
        source = "MQTTClient('i', 'h', password='hunter2', ssl=True)"
        assert "hunter2" not in repr(findings(source, "micropython"))


class TestPython:
    @pytest.mark.parametrize(
        "source",
        [
            "import asyncio\nasyncio.open_connection('host', 8883, ssl=True)",
            "import requests\nrequests.get('https://host/file')",
            "import ssl\nc = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)",
        ],
    )
    def test_what_only_micropython_does_wrong_is_right_on_cpython(self, source):
        assert findings(source, "python") == []
        assert findings(f"import machine\n{source}", "python")

    @pytest.mark.parametrize(
        "source",
        [
            "import ssl\nc = ssl.SSLContext()",
            "import ssl\nc = ssl.SSLContext(ssl.PROTOCOL_TLS)",
            "requests.get(url, verify=False)",
        ],
    )
    def test_what_is_wrong_on_both(self, source):
        assert findings(source, "python")

    def test_of_our_own_sources_only_the_bad_example_is_wrong(self):
        wrong = {
            path.name
            for folder in ("host", "examples")
            for path in (REPOSITORY / folder).rglob("*.py")
            if any(one.code == "NOVERIFY" for one in findings(path.read_text(), "python"))
        }
        # Beside the lab's server there is the probe, which never finishes a handshake.
        assert wrong <= {"umqtt_tutorial.py", "tls.py", "attempt.py"}
        assert "umqtt_tutorial.py" in wrong


class TestTextThatCannotBeParsed:
    @pytest.mark.parametrize(
        ("rule", "line"),
        [
            ("ssl-true", "MQTTClient(ID, {host}, ssl=True, port=8883"),
            ("cert-none", "c.verify_mode = ssl.CERT_NONE"),
            ("ssl-context", "c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)"),
            ("verify-false", "get(url, verify=False)"),
            ("no-name", "c.wrap_socket(sock)"),
        ],
    )
    def test_is_searched_line_by_line(self, rule, line):
        found = findings(f"import ssl\nthis is no python (\n{line}\n", "micropython")
        assert (3, rule) in [
            (one.line, name) for one, name in zip(found, names(found), strict=True)
        ]

    @pytest.mark.parametrize(
        "line",
        [
            "if c.verify_mode == ssl.CERT_NONE:",
            "# ssl=True",
            "print('ssl=True')",
            "c.wrap_socket(s, server_hostname=h)",
        ],
    )
    def test_comments_strings_and_comparisons_are_no_finding(self, line):
        assert findings(f"{line}\nthis is no python\n", "micropython") == []

    @pytest.mark.parametrize(
        "text",
        ["\0ssl=True", "(" * 5000, "a" + ".b" * 20_000, "[" * 300, "'''", "\t\n  \n\tx", "\\"],
        ids=repr,
    )
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_hostile_text_is_survived(self, text, language):
        assert isinstance(findings(text[:40_000], language), list)
