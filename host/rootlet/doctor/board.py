"""The ladder of a board at its port: from the port itself up to a message over MQTT."""

from __future__ import annotations

import base64
import json
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Self

from rootlet import flash
from rootlet.boardio.remote import BoardExceptionError, Remote
from rootlet.doctor import mend, network, programs
from rootlet.doctor.files import pair
from rootlet.doctor.kit import Kit, moment
from rootlet.errors import RootletError

if TYPE_CHECKING:
    from rootlet.doctor.ladder import Request, Step

_OLDEST = [1, 24]  # MicroPython: the first with the bytecode and the tls module of the package
_SET = 2  # seconds by which a clock may be off that is to be set
_DAY = 86_400  # seconds: what a certificate's dates forgive
#: Bytes. A handshake allocates 16 KiB for what arrives in one piece (boards/_mbedtls-*.toml),
#: and about 40 KB in all (``rootlet.lab.scenarios.NEEDS``).
_LARGEST, _ALL = 17_408, 40_960
_NO_ALPN = 443
_SILENCE = 60  # seconds; joining a Wi-Fi network takes up to 25
#: What an exception on the board means, by the end of its traceback; FIRMWARE stands for others.
_RAISED = (("MemoryError", "HEAP"), ("ImportError", "FORMAT"), ("ENOSPC", "FLASH"))


class Board:
    """A board that is looked at; a context manager that starts its program again in the end."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.kit = Kit({}, at=f" --port {request.port}", port=request.port)
        self.remote = Remote(request.port)
        self.umqtt: list[str] = []
        self.slot = ""
        self._stack = ExitStack()
        self._begun = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def topic(self) -> str:
        """What is published to and subscribed."""
        return self.request.topic or self.kit.topic

    def open(self) -> None:
        """Open the port, for this climb."""
        self.remote.open()
        self._stack.callback(self.remote.close)

    def stop_program(self) -> None:
        """Take the prompt, and give the board its program back in the end."""
        self.remote.stop_program()
        self._stack.callback(self._restart)
        self.remote.snippet("checkup")

    def _restart(self) -> None:
        with suppress(RootletError):  # it went away, and starts by itself
            self.remote.restart()

    def release(self) -> None:
        """Give port and prompt back while something else has the board."""
        self._stack.close()
        self._begun = False

    def take_again(self) -> None:
        """Have port and prompt again."""
        self.open()
        self.stop_program()

    def ask(self, function: str, *arguments: object) -> Any:
        """Call a function of ``snippets/checkup.py`` on the board and return its answer."""
        return self._call(f"answer({function}(*{arguments!r}))", _SILENCE)

    def reach(self, function: str, *arguments: object) -> dict[str, Any]:
        """Call a function of ``snippets/reach.py`` on the board and return what it tells."""
        if not self._begun:
            self.remote.snippet("reach")
            self._begun = True
        silence = 20 + 3 * self.kit.timeout
        try:
            told: dict[str, Any] = self._call(f"answer({function}(*{arguments!r}))", silence)
        except RootletError as error:
            if error.code != "REPL":
                raise
            raise self.kit.fail("NET", f"no answer within {silence} s") from error
        return told

    def _call(self, code: str, silence: float) -> Any:
        try:
            return json.loads(self.remote.run(code, silence=silence).strip().splitlines()[-1])
        except BoardExceptionError as error:
            raise self.raised(error) from error
        except (ValueError, IndexError, RecursionError) as error:
            raise self.kit.fail("FIRMWARE", "the board's answer makes no sense") from error

    def raised(self, error: BoardExceptionError) -> RootletError:
        """Return what an exception in our code on the board means."""
        found = [code for words, code in _RAISED if words in error.why]
        return self.kit.fail(found[0] if found else "FIRMWARE", error.why)

    def read(self, path: str) -> bytes | None:
        """Return a file of at most 8 KB that holds no secret, or None."""
        found = self.ask("read", path)
        return None if found is None else base64.b64decode(found)


def port(board: Board) -> str:
    """Open the port."""
    board.open()
    return board.remote.device


def prompt(board: Board) -> str:
    """Stop the board's program and wait for the prompt."""
    board.stop_program()
    return "MicroPython answers; the board's program is stopped until this ends"


def firmware(board: Board) -> str:
    """Look at version, bytecode, file system, TLS and the MQTT client."""
    try:
        found = board.remote.probe()
    except BoardExceptionError as error:
        raise board.raised(error) from error
    version = ".".join(map(str, found["version"]))
    if found["version"][:2] < _OLDEST:
        raise board.kit.fail("FIRMWARE", f"MicroPython {version} is older than 1.24")
    flash.check_board(board.request.port, found)
    newest = board.ask("has_tls")
    if newest is None:
        raise board.kit.fail("FIRMWARE", f"this MicroPython {version} has no module tls")
    taken = board.ask("mqtt_client")
    if taken is None:
        raise board.kit.fail("UMQTT", "there is no umqtt.simple")
    if "ssl" not in taken:
        raise board.kit.fail("UMQTT", "its MQTTClient takes no ssl=")
    board.umqtt = taken
    room = found["block"] * found["free_blocks"] // 1024
    return (
        f"MicroPython {version} on {found['platform']}, TLS 1.2{' and 1.3' if newest else ''}; "
        f"umqtt.simple takes {', '.join(taken)}; {room} KB free"
    )


def clock(board: Board) -> str:
    """Compare the board's clock with this computer's, and set it when that is asked for."""
    shown, now = board.ask("now"), time.time()
    text = moment(shown)
    if "clock" in board.request.fix and abs(shown - now) > _SET:
        text = f"{moment(board.ask('set_clock', int(time.time())))}; it showed {text}"
        shown, now = board.ask("now"), time.time()
    if abs(shown - now) <= _DAY:
        return text
    server = _ntp_server(board)
    if server:
        return f"{text}; the device asks {server} before it connects"
    raise board.kit.fail("CLOCK", f"the board shows {text}, this computer {moment(now)}")


def _ntp_server(board: Board) -> str:
    try:
        server = json.loads(board.read("rootlet.json") or b"{}").get("ntp", "")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return server if isinstance(server, str) and server.isprintable() else ""


def heap(board: Board) -> str:
    """Look for the memory of a handshake: the largest block, and all of it."""
    kind, largest, free = board.ask("heap")
    sizes = f"largest free block of the {kind} heap {largest // 1024} KB, {free // 1024} KB in all"
    if largest < _LARGEST or free < _ALL:
        needed = f"a handshake takes {_LARGEST // 1024} KB in one block and {_ALL // 1024} in all"
        raise board.kit.fail("HEAP", f"{sizes}; {needed}")
    return sizes


def wifi(board: Board) -> str:
    """Look whether the Wi-Fi station is connected, and connect it if the device knows how."""
    found = board.ask("wifi")
    if found is None:
        return "this board has no network module: it is connected in another way"
    connected, said, address = found
    if not connected:
        hint = "connect in boot.py, and check network name and password"
        raise board.kit.fail("NET", f"the Wi-Fi station is not connected: {said}", hint)
    return f"connected as {address}"


def dns(board: Board) -> str:
    """Look the name up, on the board."""
    kit = board.kit
    kit.check_endpoint()
    for told in (board.reach("begin", "", board.slot, kit.values), board.reach("look_up")):
        if "code" in told:
            raise kit.fail(told["code"], told["detail"])
    return f"{kit.address} is {told['address']}"


def tcp(board: Board) -> str:
    """Open a connection from the board and close it."""
    kit = board.kit
    if kit.mqtt_port == _NO_ALPN:
        raise kit.fail("PORT", "443 needs ALPN, which MicroPython has not", "use port 8883")
    told = board.reach("reach")
    if "code" in told:
        raise kit.fail(told["code"], f"{kit.address}:{kit.mqtt_port}: {told['detail']}")
    return f"port {kit.mqtt_port} is open"


def ntp(board: Board) -> str | None:
    """Ask the device's NTP server, if it has one, and look at the clock again."""
    server = board.kit.values.get("ntp")
    if not server:
        return None
    told, now = board.reach("ask_time"), time.time()
    if abs(told["now"] - now) > _DAY:
        said = "answers" if told["answered"] else "does not answer"
        why = f"{server} {said}, and the board shows {moment(told['now'])}"
        raise board.kit.fail("CLOCK", why)
    return f"{server} {'answers' if told['answered'] else 'is silent'}; {moment(told['now'])}"


STEPS: tuple[Step[Board], ...] = (
    ("port", port),
    ("prompt", prompt),
    ("firmware", firmware),
    ("clock", clock),
    ("programs", programs.look),
    ("files", mend.files),
    ("pair", pair),
    ("heap", heap),
    ("wifi", wifi),
    ("dns", dns),
    ("tcp", tcp),
    ("ntp", ntp),
    *network.STEPS,
)
