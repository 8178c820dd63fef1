"""A double of MicroPython's ``network`` with one station, as it is on an ESP32 or an RP2.

The interface is the real one (docs.micropython.org/en/latest/library/network.WLAN.html): ``WLAN``,
``STA_IF``, ``active``, ``connect``, ``disconnect``, ``isconnected``, ``status``, ``config``,
``ifconfig``, and the ``STAT_`` constants with the numbers of each port. The rest is the world
around it: ``use`` chooses the port, ``air`` says how each attempt ends, ``log`` what was asked.

As on an ESP32, a driver that may reconnect shows ``STAT_CONNECTING`` for ever instead of the
reason, ``connect`` is refused while an attempt runs, and so is an inactive interface.
"""

STA_IF = 0
AP_IF = 1

_PORTS = {
    # ports/esp32/modnetwork.h; 15 is ESP-IDF's 4-way handshake time-out, which has no name.
    "esp32": {
        "STAT_IDLE": 1000,
        "STAT_CONNECTING": 1001,
        "STAT_GOT_IP": 1010,
        "STAT_NO_AP_FOUND": 201,
        "STAT_WRONG_PASSWORD": 202,
        "STAT_BEACON_TIMEOUT": 200,
        "STAT_ASSOC_FAIL": 203,
        "STAT_HANDSHAKE_TIMEOUT": 204,
    },
    # lib/cyw43-driver; 2 is "joined, no address yet", which has no name either.
    "rp2": {
        "STAT_IDLE": 0,
        "STAT_CONNECTING": 1,
        "STAT_WRONG_PASSWORD": -3,
        "STAT_NO_AP_FOUND": -2,
        "STAT_CONNECT_FAIL": -1,
        "STAT_GOT_IP": 3,
    },
}
_POLLS = 3  # how often somebody looks before an attempt has ended

#: How the coming attempts end: "up", the name of a STAT_ constant, a number, "silence", or an
#: exception to raise. When it is empty, they end with "up".
air = []
#: What was asked of the station, in order.
log = []
#: Whether the driver has an error without a name for everything that is not a connection.
refuses = False


def use(port):
    """Be the ``network`` of a port, with a fresh station."""
    for names in _PORTS.values():
        for name in names:
            globals().pop(name, None)
    globals().update(_PORTS[port])
    globals()["_port"] = port
    air[:] = []
    log[:] = []
    _Station.__init__(_station)


def drop(status="STAT_BEACON_TIMEOUT"):
    """Lose the access point."""
    _station.ends = status
    _station.up = False


class _Station:
    def __init__(self):
        self.on = self.up = self.asked = False
        self.reconnects = -1
        self.ends = ""
        self.polls = 0

    def active(self, state=None):
        if state is None:
            return self.on
        self.on = state
        log.append("active %s" % state)

    def connect(self, ssid=None, key=None, *, bssid=None):
        if not self.on:
            raise OSError("Wifi Not Started")
        if self.asked and _port == "esp32":
            raise OSError("Wifi Internal State Error")
        log.append("connect %s %s" % (ssid, key))
        ends = air.pop(0) if air else "up"
        if isinstance(ends, Exception):
            raise ends
        self.asked, self.up, self.ends, self.polls = True, False, ends, _POLLS

    def disconnect(self):
        if not self.on and _port == "esp32":
            raise OSError("Wifi Not Started")
        if refuses:
            raise RuntimeError("Wifi Unknown Error 0xffffffff")
        self.asked = self.up = False

    def isconnected(self):
        self.polls = max(self.polls - 1, 0)
        if self.asked and self.ends == "up" and not self.polls:
            self.up = True
        return self.up

    def status(self, name=None):
        if self.up:
            return globals()["STAT_GOT_IP"]
        if not self.asked:
            return globals()["STAT_IDLE"]
        if self.polls or self.ends in ("up", "silence"):
            return globals()["STAT_CONNECTING"] if self.polls != 1 or _port == "esp32" else 2
        if _port == "esp32" and self.reconnects == -1:
            return globals()["STAT_CONNECTING"]
        return globals()[self.ends] if isinstance(self.ends, str) else self.ends

    def config(self, name=None, **values):
        if name == "reconnects" and _port == "esp32":
            return self.reconnects
        if refuses:
            raise RuntimeError("Wifi Unknown Error 0xffffffff")
        if name is not None or set(values) != {"reconnects"} or _port != "esp32":
            raise ValueError("unknown config param")
        self.reconnects = values["reconnects"]

    def ifconfig(self):
        return (
            ("192.0.2.7", "255.255.255.0", "192.0.2.1", "192.0.2.1")
            if self.up
            else ("0.0.0.0",) * 4
        )


_station = _Station()
use("esp32")


def WLAN(interface=STA_IF):
    if interface != STA_IF:
        raise ValueError("invalid WLAN interface identifier")
    return _station
