# How the station comes up, on the ``network`` of an ESP32 and of an RP2.
# argv[1] is the folder of the double, argv[2] one to write in.
import json
import sys

sys.path.insert(0, sys.argv[1])

import network
from urootlet import wifi
from urootlet.errors import Error

FILE = b'{"ssid":"caf\xc3\xa9 \xe2\x98\x95 \xf0\x9f\x9a\x80","password":"correct horse"}'
FOLDER = sys.argv[2] + "/"
slept = []
wifi.sleep = slept.append


def join(raw, seconds=30):
    with open(FOLDER + "wifi.json", "wb") as file:
        file.write(raw)
    wifi.join(FOLDER, seconds)


def tell(name, raw=FILE, seconds=30):
    del network.log[:]
    del slept[:]
    try:
        join(raw, seconds)
        ending = "up"
    except Error as error:
        ending = "%s %s" % (error.code, error.detail)
    station = network.WLAN(network.STA_IF)
    in_time = sum(slept) <= seconds
    print(name, "|", ending, "|", ", ".join(network.log), "|", in_time, station.isconnected())


for port in ("esp32", "rp2"):
    print(port)
    network.use(port)
    tell("at once")
    tell("up already")
    print(network.WLAN().ifconfig()[0])
    network.use(port)
    network.air[:] = ["STAT_NO_AP_FOUND"]
    tell("the access point starts late")
    network.drop()
    tell("after a drop")
    network.use(port)
    network.air[:] = ["STAT_WRONG_PASSWORD"] * 99
    tell("wrong password", seconds=5)
    network.use(port)
    network.air[:] = ["silence"] * 99
    tell("no answer", seconds=10)
    network.use(port)
    network.air[:] = [OSError("Wifi Internal Error"), "up"]
    tell("the driver refuses once")
    network.use(port)
    network.air[:] = [RuntimeError("Wifi Unknown Error 0x0101"), "up"]
    tell("with an error that has no name")
    network.use(port)
    network.refuses = True
    tell("and all but connecting")
    network.refuses = False
    network.use(port)
    tell("open network", b'{"ssid":"guests","password":""}')

network.use("esp32")
network.air[:] = [15] * 99
tell("handshake time-out of ESP-IDF", seconds=5)
network.use("esp32")
network.air[:] = [2] * 99
tell("another reason of ESP-IDF", seconds=5)
network.use("esp32")
print("reconnects", network.WLAN().config("reconnects"))
tell("up")
print("reconnects", network.WLAN().config("reconnects"))

endings = set()
for seconds in range(1, 61):
    network.use("esp32")
    network.air[:] = ["STAT_WRONG_PASSWORD"] * 99
    try:
        join(FILE, seconds)
    except Error as error:
        endings.add(error.detail)
print("with 1 to 60 seconds", ", ".join(endings))

pauses = set()
for _ in range(20):
    network.use("esp32")
    network.air[:] = ["STAT_NO_AP_FOUND"]
    del slept[:]
    join(FILE)
    pauses.add(max(slept))
print("pauses differ", len(pauses) > 1, "and are", 0.5 <= min(pauses), max(pauses) < 1)


def secret(name, raw):
    try:
        join(raw)
        print(name, "taken")
    except Error as error:
        print(name, "|", error.code, error.detail, "|", "hunter2hunter2" in str(error))


secret("no password", b'{"ssid":"net"}')
secret("no name", b'{"ssid":"","password":"hunter2hunter2"}')
secret("long name", json.dumps({"ssid": "x" * 33, "password": "hunter2hunter2"}).encode())
secret("short password", b'{"ssid":"net","password":"hunter2"}')
secret("long password", json.dumps({"ssid": "net", "password": "hunter2" * 10}).encode())
secret("numbers", b'{"ssid":1,"password":2}')
secret("a list", b"[1]")
secret("no JSON", b"hunter2hunter2")
secret("empty", b"")
secret("over 1 KB", b" " * 1024 + FILE)
network.use("esp32")
network.air[:] = ["STAT_WRONG_PASSWORD"] * 99
secret("refused", b'{"ssid":"net","password":"hunter2hunter2"}')

del network.WLAN
secret("firmware without Wi-Fi", b'{"ssid":"net","password":"hunter2hunter2"}')
