"""The shape of what is known about a board: each fact with its source, or None.

A fact that nobody measured or read is None: never a guess. The annotations are the schema:
``KEYS`` is made from them, and ``rootlet.board`` reads a file by it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Generic, TypeAlias, TypeVar, get_type_hints

from rootlet.board_values import (
    ADDRESS,
    BYTES,
    CHIP_ID,
    FLAG,
    SMALL,
    WORD,
    YEAR,
    Kind,
    one_of,
    some_of,
)

T = TypeVar("T")

#: Forms of an anchor, largest first (DESIGN.md section 4), and which of them each stack takes
#: (measured 2026-11-21 with mbedTLS 2.28.10 and 3.6.6 and OpenSSL 3.0.19: docs/boards.md).
FORMS_OF = {"mbedtls": ("full", "strict", "tiny"), "openssl": ("full", "strict")}
KEY_KINDS = ("rsa-2048", "rsa-4096", "ec-p256", "ec-p384")


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A value, and where it was measured or read."""

    value: T
    source: str


Words: TypeAlias = tuple[str, ...]
Bytes: TypeAlias = Annotated[Fact[int] | None, BYTES]
Flag: TypeAlias = Annotated[Fact[bool] | None, FLAG]
Word: TypeAlias = Annotated[Fact[str] | None, WORD]
#: key kind (``KEY_KINDS``) -> anchor form -> bytes; what is unknown is not in it
Grid: TypeAlias = Annotated[Mapping[str, Mapping[str, Fact[int]]], BYTES, "grid"]


@dataclass(frozen=True, kw_only=True)
class Chip:
    """The silicon. ``data_ram`` in bytes: the address range for data in internal RAM.

    ``image_id`` is the number that ESP-IDF writes into the header of an image for this chip.
    """

    model: Annotated[Fact[str], WORD]
    data_ram: Bytes = None
    image_id: Annotated[Fact[int] | None, CHIP_ID] = None


@dataclass(frozen=True, kw_only=True)
class Firmware:
    """The interpreter, its build for this board, and what is frozen into it."""

    interpreter: Annotated[Fact[str], one_of("micropython", "cpython")]
    build: Word = None
    version: Word = None
    mpy_version: Annotated[Fact[int] | None, SMALL] = None
    mpy_arch: Word = None
    umqtt: Flag = None
    umqtt_version: Word = None
    ntptime: Flag = None


@dataclass(frozen=True, kw_only=True)
class Flash:
    """Flash of the common module and the file system that device files live in. Bytes.

    ``firmware_offset`` is the address in flash that a vendor's firmware file is written to.
    """

    size: Bytes = None
    fs_kind: Annotated[Fact[str], one_of("littlefs2", "posix")]
    fs_bytes: Bytes = None
    block_bytes: Bytes = None
    vfs_in_table: Flag = None
    firmware_offset: Annotated[Fact[int] | None, ADDRESS] = None


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Heaps in bytes. TLS allocates from the heap that ``tls_allocator`` names.

    ``tls_heap`` and ``tls_heap_largest`` are free at boot, ``tls_heap_wifi`` once Wi-Fi is
    associated. ``session_*`` is a live session over a chain of that family. ``anchor_cost`` is
    what one loaded anchor keeps, ``anchor_more`` what each beyond the first takes on top of it,
    ``name_attribute`` what each attribute of a name takes, ``load_peak`` what an anchor takes at
    the highest point of its loading, ``handshake_peak`` all of TLS at its highest in a handshake.
    """

    python_heap: Bytes = None
    python_heap_initial: Bytes = None
    tls_allocator: Annotated[Fact[str] | None, one_of("idf-heap", "python-heap", "c-heap")] = None
    tls_heap: Bytes = None
    tls_heap_largest: Bytes = None
    tls_heap_wifi: Bytes = None
    context_cost: Bytes = None
    session_rsa: Bytes = None
    session_ecdsa: Bytes = None
    anchor_cost: Grid
    anchor_more: Bytes = None
    name_attribute: Bytes = None
    load_peak: Grid
    handshake_peak: Grid

    def cost_of(self, key_kind: str, form: str) -> Fact[int] | None:
        """Return the heap that one anchor keeps (``KEY_KINDS``, form), or None when unknown."""
        return self.anchor_cost.get(key_kind, MappingProxyType({})).get(form)


@dataclass(frozen=True, kw_only=True)
class Tls:
    """What the TLS stack does.

    ``family_choice`` is how a client makes the server present one key type in whatever version
    is negotiated: by cipher suites (TLS 1.2 alone), by capping the version and then by suites,
    or not at all. TLS 1.3 suites name no key type (RFC 8446 section 4.2.3), so a stack that
    negotiates it must have another way. ``family_choice_tls12`` is what remains when the
    endpoint is known to stop at TLS 1.2.
    """

    stack: Annotated[Fact[str], one_of("mbedtls", "openssl")]
    version: Word = None
    versions: Annotated[Fact[Words], some_of("1.2", "1.3")]
    families: Annotated[Fact[Words], some_of("rsa", "ecdsa")]
    family_choice: Annotated[Fact[str], one_of("suites", "version-and-suites", "none")]
    family_choice_tls12: Annotated[Fact[str] | None, one_of("suites", "none")] = None
    curves: Annotated[Fact[Words] | None, some_of("secp256r1", "secp384r1")] = None
    hashes: Annotated[Fact[Words] | None, some_of("sha256", "sha384")] = None
    forms: Annotated[Fact[Words], some_of(*FORMS_OF["mbedtls"])]
    pem: Flag = None
    checks_dates: Flag = None
    alpn: Flag = None
    verify_callback: Flag = None
    record_in: Bytes = None
    record_out: Bytes = None

    @property
    def anchor_form(self) -> Fact[str]:
        """The smallest anchor form that the stack takes."""
        return Fact(self.forms.value[-1], self.forms.source)

    @property
    def one_family_is_safe(self) -> bool:
        """Whether a bundle of one family can be made to work whatever the endpoint prefers."""
        return self.family_choice.value != "none"


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The year that the clock shows after power-on, and whether a reset keeps a set clock."""

    boot_year: Annotated[Fact[int] | None, YEAR] = None
    rtc_survives_reset: Flag = None


@dataclass(frozen=True, kw_only=True)
class Board:
    """One board. ``id`` is the file's name without ``.toml``; ``name`` is for people."""

    id: str
    name: str
    chip: Chip
    firmware: Firmware
    flash: Flash
    memory: Memory
    tls: Tls
    clock: Clock

    @property
    def interpreter(self) -> Fact[str]:
        """``micropython`` or ``cpython``."""
        return self.firmware.interpreter

    def facts(self) -> Iterator[tuple[str, Fact[Any], str]]:
        """Yield every known fact as (dotted key, fact, unit), in the order of the classes."""
        for section, fields in FIELDS.items():
            for one in fields:
                found = getattr(getattr(self, section), one.name)
                for key, fact in _leaves(f"{section}.{one.name}", found):
                    yield key, fact, one.kind.unit

    def unknown(self) -> Iterator[str]:
        """Yield the dotted key of every single fact, or whole grid, of which nothing is known."""
        for section, fields in FIELDS.items():
            for one in fields:
                if not getattr(getattr(self, section), one.name):
                    yield f"{section}.{one.name}"


def _leaves(key: str, found: Fact[Any] | Mapping[str, Any] | None) -> Iterator[tuple[str, Any]]:
    if isinstance(found, Fact):
        yield key, found
    elif found is not None:
        for name, inner in found.items():
            yield from _leaves(f"{key}.{name}", inner)


@dataclass(frozen=True)
class Field:
    """One field of a section: what its value must be, and whether a board needs it."""

    name: str
    kind: Kind
    required: bool
    grid: bool


def _fields(shape: Any) -> Iterator[Field]:
    hints = get_type_hints(shape, include_extras=True)
    for one in dataclasses.fields(shape):
        kind, *mark = hints[one.name].__metadata__
        grid = mark == ["grid"]
        required = one.default is dataclasses.MISSING and not grid
        yield Field(one.name, kind, required=required, grid=grid)


#: section of a board file -> its class
SECTIONS: dict[str, Any] = {
    "chip": Chip,
    "firmware": Firmware,
    "flash": Flash,
    "memory": Memory,
    "tls": Tls,
    "clock": Clock,
}
FIELDS = {section: tuple(_fields(shape)) for section, shape in SECTIONS.items()}


def _keys() -> Iterator[tuple[str, Kind]]:
    for section, fields in FIELDS.items():
        for one in fields:
            key = f"{section}.{one.name}"
            for name in grid_keys(key) if one.grid else (key,):
                yield name, one.kind


def grid_keys(key: str) -> Iterator[str]:
    """Yield the dotted keys of one grid, such as ``memory.anchor_cost.ec-p256.full``."""
    for key_kind in KEY_KINDS:
        for form in FORMS_OF["mbedtls"]:
            yield f"{key}.{key_kind}.{form}"


#: dotted key -> what its value must be: every fact that a board file may hold
KEYS: dict[str, Kind] = dict(_keys())
