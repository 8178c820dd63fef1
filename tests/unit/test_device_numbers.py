"""Numbers that device modules repeat, because a board has them folded in, are the same."""

import ast

import pytest

import rootlet
from rootlet import resources
from urootlet import format_cpython, release, states_cpython

#: The same word for something else, in a module of its own.
LOCAL = {"_TYPING", "_SEQUENCE", "_MAX_SIZE", "_HEADER", "_SIZE"}


def private_numbers():
    for path in sorted(resources.device_package().glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("const("):
                assert isinstance(node.value, ast.Call)
                yield path.stem, ast.unparse(node.targets[0]), ast.literal_eval(node.value.args[0])


def of(module):
    return {name: number for stem, name, number in private_numbers() if stem == module}


def test_a_name_means_one_number():
    seen: dict[str, tuple[str, int]] = {}
    for module, name, number in private_numbers():
        if name not in LOCAL:
            first = seen.setdefault(name, (module, number))
            assert number == first[1], f"{name} in {module} and {first[0]}"


@pytest.mark.parametrize(
    "name", [n for n in vars(format_cpython) if n.isupper() and not n.endswith("_FILE")]
)
def test_the_host_reads_the_numbers_of_the_parsers(name):
    device = of("keyset") | of("bundle") | {"_MAGIC": b"RLT1"}
    assert device["_" + name] == getattr(format_cpython, name)


def test_limits_of_files_are_those_of_their_parsers():
    numbers = {name: number for _, name, number in private_numbers()}
    assert numbers["_MAX_BUNDLE"] == format_cpython.MAX_SIZE


@pytest.mark.parametrize("name", [n for n in vars(format_cpython) if n.endswith("_FILE")])
def test_the_device_reads_the_files_that_the_host_writes(name):
    text = (resources.device_package() / "session.py").read_text()
    assert f'"{getattr(format_cpython, name)}"' in text


@pytest.mark.parametrize("name", [n for n in vars(states_cpython) if n.isupper()])
def test_the_numbers_of_the_state_table_have_one_meaning(name):
    for module in ("store", "rotation", "control", "recovery"):
        number = getattr(states_cpython, name)
        assert of(module).get("_" + name, number) == number


def test_the_package_is_of_this_release():
    assert rootlet.__version__ == release.VERSION
