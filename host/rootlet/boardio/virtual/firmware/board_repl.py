"""The board's prompt: raw REPL, raw paste and the friendly REPL, and the boot scripts.

The protocol is that of MicroPython's ``shared/runtime/pyexec.c``, byte for byte where a host
tool can see it. The unix port has had none of its own before 1.27.
"""
# Runs on MicroPython only, against modules and files that CPython and its stubs do not have.
# mypy: ignore-errors
# ruff: noqa: PTH123

import gc
import io
import sys

from board_terminal import EXIT_SOFT_RESET, EXIT_SOFT_RESET_RAW, READY

CTRL_A, CTRL_B, CTRL_C, CTRL_D, CTRL_E = 1, 2, 3, 4, 5
_BACKSPACES = (8, 127)
_ESCAPE = 27
_ENTER = (10, 13)

#: Bytes that a host may send in raw paste before the next go-ahead.
_WINDOW = 2048

_FAILED, _DONE = 0, 1


def _needs_more(source):
    """Tell whether a statement goes on in the next line: an open bracket, string or block."""
    lines = source.split("\n")
    if source.count('"""') % 2 or source.count("'''") % 2:
        return True
    if lines[-1].endswith("\\"):
        return True
    depth = 0
    for character in source:
        depth += (character in "([{") - (character in ")]}")
    if depth > 0:
        return True
    head = lines[0].rstrip()
    block = head.endswith(":") or head.startswith("@")
    return block and bool(lines[-1].strip())


class Repl:
    """Runs the boot scripts and then serves the prompt until a reset."""

    def __init__(self, terminal, names, raw):
        self._line = terminal
        self._names = names
        self._raw = raw

    def run(self):
        """Boot, then serve; never returns."""
        serve = self._boot
        while True:
            try:
                while True:
                    serve()
                    serve = self._serve
            except KeyboardInterrupt:
                # Ctrl-C came in the instant in which a program began or ended.
                serve = self._serve

    def _boot(self):
        self._line.friendly(not self._raw)
        self._line.running(True)
        self._line.write(READY)
        # pyexec.c and the ports' main.c: a failing boot.py, or raw mode, keeps main.py back.
        if self._script("boot.py") == _DONE and not self._raw:
            self._script("main.py")
        self._settle()

    def _settle(self):
        """Turn Ctrl-C back into a byte; an interrupt that is still pending is raised here."""
        self._line.running(False)
        for _ in (0, 1):  # MicroPython raises pending exceptions when it jumps back
            pass

    def _serve(self):
        self._line.running(False)
        self._line.friendly(not self._raw)
        if self._raw:
            self._raw_prompt()
        else:
            self._friendly_prompt()

    def _script(self, path):
        try:
            with open(path) as file:
                program = [file.read()]
        except OSError:
            return _DONE
        return self._execute(program, path)

    def _execute(self, program, name, kind="exec", separator=""):
        """Run a program; print what it raises after ``separator``; SystemExit resets.

        ``program`` is a list with the source alone, which is taken out of it: a board does not
        hold the source while it runs the code.
        """
        self._line.running(True)
        raised = None
        try:
            exec(compile(program.pop(), name, kind), self._names)  # noqa: S102 - that is a prompt's job
            self._settle()
        except BaseException as error:  # noqa: BLE001 - a prompt survives all
            raised = error
        self._line.running(False)
        self._line.write(separator)
        if raised is None:
            return _DONE
        if isinstance(raised, SystemExit):
            self._line.write(separator)
            self._soft_reset()
        self._print(raised)
        return _FAILED

    def _print(self, error):
        """Print an exception without this file's own frame."""
        text = io.StringIO()
        sys.print_exception(error, text)
        for line in text.getvalue().split("\n")[:-1]:
            if "board_repl.py" not in line:
                self._line.write(line)
                self._newline()

    def _newline(self):
        self._line.write("\r\n" if self._raw else "\n")

    def _soft_reset(self):
        self._line.write("MPY: soft reboot")
        self._newline()
        # gc_sweep_all() of a port's main.c: files that the program left open are written.
        self._names.clear()
        sys.modules.clear()
        gc.collect()
        sys.exit(EXIT_SOFT_RESET_RAW if self._raw else EXIT_SOFT_RESET)

    # the raw prompt, for tools

    def _raw_prompt(self):
        self._line.write("raw REPL; CTRL-B to exit\r\n")
        while self._raw:
            self._line.write(">")
            program = self._raw_command()
            if program:
                self._answer(program)

    def _raw_command(self):
        """Read up to CTRL-D; return the program as a list of one, None if there is none."""
        source = bytearray()
        while True:
            byte = self._line.read()
            if byte == CTRL_A:
                if bytes(source) == b"\x05A":
                    return self._raw_paste()
                self._line.write("raw REPL; CTRL-B to exit\r\n>")
                source = bytearray()
            elif byte == CTRL_B:
                self._raw = False
                self._newline()
                return None
            elif byte == CTRL_C:
                source = bytearray()
            elif byte == CTRL_D:
                self._line.write("OK")
                if not source:
                    self._newline()
                    self._soft_reset()
                return [bytes(source)]
            else:
                source.append(byte)

    def _raw_paste(self):
        """Take a program with flow control (MicroPython docs, "Raw mode and raw-paste mode")."""
        self._line.write(b"R\x01" + bytes((_WINDOW & 0xFF, _WINDOW >> 8)))
        source = bytearray()
        read = self._line.read
        room = _WINDOW
        byte = read()
        while byte not in (CTRL_C, CTRL_D):
            source.append(byte)
            room -= 1
            if room == 0:
                self._line.write("\x01")
                room = _WINDOW
            byte = read()
        self._line.write("\x04")
        return [bytes(source)] if byte == CTRL_D else None

    def _answer(self, program):
        """Run a program; send its output, CTRL-D, what it raised, CTRL-D."""
        self._execute(program, "<stdin>", separator="\x04")
        self._line.write("\x04")

    # the friendly prompt, for people

    def _friendly_prompt(self):
        self._line.write("MicroPython " + sys.version.split("MicroPython ")[-1])
        self._line.write("; " + sys.implementation._machine + "\n")  # noqa: SLF001 - no other name
        self._line.write('Type "help()" for more information.\n')
        while not self._raw:
            self._friendly_command()

    def _friendly_command(self):
        source = self._edit(">>> ")
        while source is not None and _needs_more(source):
            more = self._edit("... ")
            source = None if more is None else source + "\n" + more
        if source and source.strip():
            self._execute([source + "\n"], "<stdin>", "single")

    def _edit(self, prompt):
        """Read a line with echo and backspace; None when a control key ended it."""
        self._line.write(prompt)
        text = bytearray()
        while True:
            byte = self._line.read()
            if byte in _ENTER:
                self._line.write("\n")
                return text.decode()
            if byte in _BACKSPACES:
                self._rub_out(text)
            elif byte == _ESCAPE:
                self._skip_escape()
            elif byte == CTRL_C or (byte < 32 and byte != 9 and not text):
                self._control(byte)
                return None
            elif byte >= 32 or byte == 9:
                text.append(byte)
                self._line.write(bytes((byte,)))

    def _rub_out(self, text):
        if not text:
            return
        while text and text[-1] & 0xC0 == 0x80:  # the rest of a UTF-8 character
            text[:] = text[:-1]
        text[:] = text[:-1]
        self._line.write("\b \b")

    def _skip_escape(self):
        """Drop an arrow or function key: ESC [ ... letter."""
        if self._line.read() == 0x5B:
            while not 0x40 <= self._line.read() <= 0x7E:
                pass

    def _control(self, byte):
        if byte == CTRL_A:
            self._raw = True
        self._line.write("\n")
        if byte == CTRL_D:
            self._soft_reset()
        if byte == CTRL_E:
            self._paste()

    def _paste(self):
        """Take lines until CTRL-D and run them as one program; CTRL-C leaves."""
        self._line.write("paste mode; Ctrl-C to cancel, Ctrl-D to finish\n=== ")
        text = bytearray()
        while True:
            byte = self._line.read()
            if byte in (CTRL_C, CTRL_D):
                break
            byte = 10 if byte == 13 else byte
            text.append(byte)
            self._line.write("\n=== " if byte == 10 else bytes((byte,)))
        self._line.write("\n")
        if byte == CTRL_D:
            self._execute([text.decode()], "<stdin>")
