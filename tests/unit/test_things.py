"""Lists of devices as spreadsheets save them, and as attackers would."""

import pytest

from rootlet import things
from rootlet.errors import InputError
from rootlet.identity import Settings, Wifi
from rootlet.provision import Device

HOST = "a1b2c3-ats.iot.eu-west-1.amazonaws.com"
DEFAULT = Device(Settings(HOST, "", ntp="pool.ntp.org"), Wifi("plant-2", "12345678"))


def read(text, default=DEFAULT):
    return things.read(text.encode() if isinstance(text, str) else text, "pumps.csv", default)


def test_a_line_takes_from_the_defaults_what_it_leaves_out():
    first, second = read("thing,endpoint,port,common_name\npump-1,,,\npump-2,b.example,8884,two\n")
    assert first == Device(Settings(HOST, "pump-1", ntp="pool.ntp.org"), DEFAULT.wifi)
    expected = Settings("b.example", "pump-2", port=8884, ntp="pool.ntp.org")
    assert second == Device(expected, DEFAULT.wifi, "two")


@pytest.mark.parametrize(
    "data",
    [
        b"thing\npump-1\npump-2\n",
        b"thing\r\npump-1\r\npump-2\r\n",
        b"\xef\xbb\xbfthing\r\npump-1\r\npump-2",
        b"Thing , NTP\npump-1,\n\n pump-2 ,\n,\n",
        b"thing;ntp\npump-1;\npump-2;\n",
        b'"thing","ntp"\n"pump-1",""\n"pump-2",""\n',
    ],
)
def test_what_spreadsheets_write_is_read(data):
    assert [one.settings.thing for one in read(data)] == ["pump-1", "pump-2"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "thing is needed"),
        ("thing\n", "no device is in it"),
        ("pump-1\npump-2\n", "'pump-1' is no column"),
        ("thing,password\npump-1,secret\n", "'password' is no column"),
        ("thing,thing\npump-1,pump-1\n", "each once"),
        ("ntp\npool.ntp.org\n", "thing is needed"),
        ("thing\npump-1\npump-1\n", "line 3: pump-1 is in line 2 already"),
        ("thing,ntp\npump-1\n", "line 2: 1 cells, the header has 2"),
        ("thing\npump-1,x\n", "line 2: 2 cells, the header has 1"),
        ('thing\n"pump-1\n', "line 2"),
        ('thing\n"pump"-1\n', "line 2"),
        ("thing\n../../etc/passwd\n", "line 2: '../../etc/passwd': not a thing name"),
        ("thing\n/etc/passwd\n", "not a thing name"),
        ("thing\n..\n", "not a thing name"),
        ("thing\npump 1\n", "not a thing name"),
        ("thing\np\N{LATIN SMALL LETTER U WITH DIAERESIS}mp\n", "not a thing name"),
        ("thing\n\x1b[2Jpump\n", "'\\x1b[2Jpump': not a thing name"),
        ('thing\n"pump\n1"\n', "'pump\\n1': not a thing name"),
        (f"thing\n{'x' * 129}\n", "not a thing name"),
        (f"thing\n{'x' * 513}\n", "is too long"),
        ("thing\n=1+1\n", "'=1+1' is a formula"),
        ("thing,endpoint\npump-1,=HYPERLINK(A1)\n", "endpoint: '=HYPERLINK(A1)' is a formula"),
        ("thing,offers\npump-1,@SUM(A1)\n", "offers: '@SUM(A1)' is a formula"),
        ("thing,ntp\npump-1,+cmd\n", "ntp: '+cmd' is a formula"),
        ("thing,ntp\npump-1,-cmd|x\n", "'-cmd|x': not a bare host name"),
        ("thing,endpoint\npump-1,https://x\n", "not a bare host name"),
        ("thing,endpoint\npump-1,a1.iot.eu-west-1.amazonaws.com\n", "legacy"),
        ("thing,port\npump-1,mqtt\n", "port: 'mqtt' is no number"),
        ("thing,port\npump-1,99999\n", "port in rootlet.json"),
        ("thing,port\npump-1,\N{ARABIC-INDIC DIGIT EIGHT}\n", "is no number"),
        ("thing,offers\npump-1,a/+/b\n", "a topic without wildcards"),
        ("thing,common_name\npump-1,x\0\n", "binary"),
        ("thing,common_name\npump-1," + "x" * 65 + "\n", "not a common name"),
    ],
)
def test_a_list_that_is_wrong_is_refused_with_the_line(text, words):
    with pytest.raises(InputError) as caught:
        read(text)
    told = f"{caught.value.what}: {caught.value.why} {caught.value.hint}"
    assert words in told
    assert "pumps.csv" in told
    assert told.isprintable()


def test_utf_16_is_refused_with_what_to_do():
    with pytest.raises(InputError) as caught:
        read("thing\npump-1\n".encode("utf-16"))
    assert "save it as CSV UTF-8" in caught.value.what


def test_more_devices_than_the_limit_are_refused(monkeypatch):
    monkeypatch.setattr(things, "MAX_DEVICES", 2)
    with pytest.raises(InputError) as caught:
        read("thing\na\nb\nc\n")
    assert "over 2 devices" in caught.value.what
