"""Every device module compiles for a board, and the package stays small."""

from rootlet.boardio import mpy


def test_every_module_compiles_to_bytecode_of_the_supported_version():
    compiled = mpy.compile_package()
    assert len(compiled) == len(mpy.device_sources()) > 8
    for path, code in compiled.items():
        assert path.startswith("lib/urootlet/")
        assert path.endswith(".mpy")
        assert code[:2] == b"M" + bytes((mpy.MPY_VERSION,))


def test_the_same_sources_give_the_same_bytes():
    assert mpy.compile_package() == mpy.compile_package()


def test_no_cpython_backend_goes_to_a_board():
    assert not [path for path in mpy.compile_package() if "cpython" in path]


def test_no_check_is_an_assertion():
    for source in mpy.device_sources():
        assert "assert " not in source.read_text(), f"{source.name}: -O3 strips assertions"
