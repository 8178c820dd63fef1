"""Python and MicroPython: the syntax tree decides, patterns where there is none."""

from __future__ import annotations

import ast
import contextlib
import warnings
from typing import TYPE_CHECKING, Any

from rootlet.unverified.patterns import search_lines
from rootlet.unverified.rules import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Modules that say that a file is for MicroPython, where some defaults differ.
_BOARD_MODULES = frozenset(
    {"esp", "esp32", "machine", "micropython", "mqtt_as", "network", "rp2", "tls", "uasyncio"}
    | {"umqtt", "usocket", "ussl"}
)
_SSL = ("ssl", "ussl")
_VERBS = ("delete", "get", "head", "patch", "post", "put", "request")


def search(text: str) -> list[Finding]:
    """Return what is wrong in a file of either; what it imports says which one it is."""
    return _search(text, on_board=False)


def search_micropython(text: str) -> list[Finding]:
    """Return what is wrong in a file that runs on a board."""
    return _search(text, on_board=True)


def _search(text: str, *, on_board: bool) -> list[Finding]:
    tree = _parse(text)
    if tree is not None:
        on_board = on_board or bool(_imports(tree) & _BOARD_MODULES)
        with contextlib.suppress(RecursionError):  # nested deeper than anybody writes
            return list(_Reader(tree, on_board=on_board).read())
    return list(search_lines(text))


def _parse(text: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # escapes that a newer Python does not like
        try:
            return ast.parse(text)
        # Null bytes, and nesting that exhausts the parser.
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _imports(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


class _Reader:
    """One parsed file, and what is known of it before its lines are judged."""

    def __init__(self, tree: ast.Module, *, on_board: bool) -> None:
        self._nodes = list(ast.walk(tree))
        self._on_board = on_board
        self._aliases = dict(_aliases(self._nodes))
        self._parents = {
            child: node for node in self._nodes for child in ast.iter_child_nodes(node)
        }
        self._required = {
            ast.unparse(target.value)
            for target, value in _assignments(self._nodes)
            if isinstance(target, ast.Attribute)
            and target.attr == "verify_mode"
            and _last_name(value) == "CERT_REQUIRED"
        }
        self._params = list(self._named("ssl_params"))
        self._params_verify = any(_has_key(value, "cert_reqs") for value in self._params)

    def read(self) -> Iterator[Finding]:
        for node in self._nodes:
            for check in _CHECKS.get(type(node), ()):
                if rule := check(self, node):
                    yield finding(rule, node.lineno)  # type: ignore[attr-defined] # all have one

    def _named(self, name: str) -> Iterator[ast.expr]:
        """Yield what a name stands for: as an argument, a variable, or a key of a dictionary."""
        for node in self._nodes:
            if isinstance(node, ast.keyword) and node.arg == name:
                yield node.value
            elif isinstance(node, ast.Dict):
                yield from (
                    value
                    for key, value in zip(node.keys, node.values, strict=True)
                    if _is(key, name)
                )
        for target, value in _assignments(self._nodes):
            if _last_name(target) == name or (
                isinstance(target, ast.Subscript) and _is(target.slice, name)
            ):
                yield value

    def _called(self, node: ast.Call) -> str:
        """Return what is called, such as ``ssl.wrap_socket``, by the names of its modules."""
        name = ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""
        first, dot, rest = name.partition(".")
        return self._aliases.get(first, first) + dot + rest

    def _is_module(self, name: str, function: str) -> bool:
        module, _, last = name.rpartition(".")
        return last == function and module in _SSL

    # Each check returns the name of a rule, or nothing.

    def ssl_true(self, node: ast.Call) -> str:
        options = _options(node)
        if not _is(options.get("ssl"), True) or self._params_verify:
            return ""
        # asyncio of CPython verifies with ssl=True; MicroPython's does not.
        asyncio = _last_name(node.func) in ("open_connection", "create_connection", "start_tls")
        return "" if asyncio and not self._on_board else "ssl-true"

    def ssl_true_key(self, node: ast.Assign) -> str:
        wanted = any(isinstance(t, ast.Subscript) and _is(t.slice, "ssl") for t in node.targets)
        return "ssl-true" if wanted and _is(node.value, True) and not self._params_verify else ""

    def cert_none(self, node: ast.Attribute | ast.Name) -> str:
        name = _last_name(node)
        if isinstance(self._parents.get(node), ast.Compare):
            return ""
        if name == "CERT_OPTIONAL" and self._on_board:
            return "cert-optional"
        return "cert-none" if name == "CERT_NONE" else ""

    def zero_mode(self, node: ast.Assign) -> str:
        wanted = any(
            isinstance(t, ast.Attribute) and t.attr == "verify_mode" for t in node.targets
        )
        return "cert-none" if wanted and _is(node.value, 0) else ""

    def zero_argument(self, node: ast.Call) -> str:
        return "cert-none" if _is(_options(node).get("cert_reqs"), 0) else ""

    def ssl_context(self, node: ast.Call) -> str:
        if not self._is_module(self._called(node), "SSLContext"):
            return ""
        protocol = _last_name(node.args[0]) if node.args else ""
        if protocol.endswith("_SERVER") or (
            protocol == "PROTOCOL_TLS_CLIENT" and not self._on_board
        ):
            return ""
        parent = self._parents.get(node)
        names = parent.targets if isinstance(parent, ast.Assign) else ()
        return "" if any(ast.unparse(n) in self._required for n in names) else "ssl-context"

    def wrap_socket(self, node: ast.Call) -> str:
        if not self._is_module(self._called(node), "wrap_socket") or _is_server(node):
            return ""
        verifies = "cert_reqs" in _options(node) or _spreads(node)
        return "" if verifies else "wrap-socket"

    def no_name(self, node: ast.Call) -> str:
        if _last_name(node.func) != "wrap_socket" or _is_server(node) or _spreads(node):
            return ""
        # Three positional arguments more than the socket come before the name on no port.
        return "" if "server_hostname" in _options(node) else "no-name"

    def ssl_params(self, node: ast.Dict) -> str:
        if not self._is_params(node) or _has_key(node, "cert_reqs"):
            return ""
        return "ssl-params"

    def no_name_params(self, node: ast.Dict) -> str:
        if not self._is_params(node) or _has_key(node, "server_hostname"):
            return ""
        return "no-name-params"

    def _is_params(self, node: ast.Dict) -> bool:
        parent = self._parents.get(node)
        default = isinstance(parent, ast.arguments)
        return bool(node.keys) and not default and node in self._params

    def requests(self, node: ast.Call) -> str:
        module, _, verb = self._called(node).rpartition(".")
        if not self._on_board or module not in ("requests", "urequests") or verb not in _VERBS:
            return ""
        return "requests" if any(_begins(one, "https://") for one in node.args) else ""

    def verify_false(self, node: ast.Call) -> str:
        return "verify-false" if _is(_options(node).get("verify"), False) else ""

    def unverified_context(self, node: ast.Call) -> str:
        unverified = self._is_module(self._called(node), "_create_unverified_context")
        return "unverified-context" if unverified else ""

    def check_hostname(self, node: ast.Assign) -> str:
        wanted = any(
            isinstance(t, ast.Attribute) and t.attr == "check_hostname" for t in node.targets
        )
        return "check-hostname" if wanted and _is(node.value, False) else ""

    def tls_insecure(self, node: ast.Call) -> str:
        wanted = _last_name(node.func) == "tls_insecure_set"
        return "tls-insecure" if wanted and node.args and _is(node.args[0], True) else ""


#: kind of node -> what is asked of each
_CHECKS: dict[type[ast.AST], tuple[Callable[[_Reader, Any], str], ...]] = {
    ast.Call: (
        _Reader.ssl_true,
        _Reader.zero_argument,
        _Reader.ssl_context,
        _Reader.wrap_socket,
        _Reader.no_name,
        _Reader.requests,
        _Reader.verify_false,
        _Reader.unverified_context,
        _Reader.tls_insecure,
    ),
    ast.Assign: (_Reader.ssl_true_key, _Reader.zero_mode, _Reader.check_hostname),
    ast.Attribute: (_Reader.cert_none,),
    ast.Name: (_Reader.cert_none,),
    ast.Dict: (_Reader.ssl_params, _Reader.no_name_params),
}


def _aliases(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """Yield (name in the file, dotted name of what was imported under it)."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.asname, alias.name) for alias in node.names if alias.asname)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _assignments(nodes: list[ast.AST]) -> Iterator[tuple[ast.expr, ast.expr]]:
    for node in nodes:
        if isinstance(node, ast.Assign):
            yield from ((target, node.value) for target in node.targets)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield node.target, node.value


def _options(node: ast.Call) -> dict[str, ast.expr]:
    return {one.arg: one.value for one in node.keywords if one.arg}


def _spreads(node: ast.Call) -> bool:
    """Whether arguments come from a dictionary or sequence that the text does not show."""
    return any(one.arg is None for one in node.keywords) or any(
        isinstance(one, ast.Starred) for one in node.args
    )


def _is_server(node: ast.Call) -> bool:
    return _is(_options(node).get("server_side"), True)


def _is(node: ast.expr | None, value: object) -> bool:
    """Whether it is this literal: ``True`` is not 1."""
    return (
        isinstance(node, ast.Constant) and node.value == value and type(node.value) is type(value)
    )


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _has_key(node: ast.expr, key: str) -> bool:
    """Whether a dictionary has the key, as far as the text tells: what it does not show may."""
    if isinstance(node, ast.Dict):
        return any(one is None or _is(one, key) for one in node.keys)
    if isinstance(node, ast.Call) and _last_name(node.func) == "dict":
        return key in _options(node) or _spreads(node)
    return True


def _begins(node: ast.expr, prefix: str) -> bool:
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith(prefix)
    )
