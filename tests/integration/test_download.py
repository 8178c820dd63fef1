"""Fetching one file over HTTPS, from servers that behave and servers that do not."""

from __future__ import annotations

import ssl

import pytest

import peers
from own_roots import root
from rootlet.errors import InputError, NetworkError
from rootlet.lab import certificates
from rootlet.net import download
from rootlet.pem import armour


class TestDownload:
    """Over real TLS, with a server whose root this process trusts, or does not."""

    @pytest.fixture
    def context(self, lab_pki, tmp_path, monkeypatch):
        made = lab_pki.chain("Amazon ECDSA 256 M01", "localhost", "3")
        root = tmp_path / "root.pem"
        root.write_bytes(certificates.pem(lab_pki.anchor("amazon-root-ca-3")))
        monkeypatch.setenv("SSL_CERT_FILE", str(root))
        monkeypatch.setenv("no_proxy", "localhost")
        return peers.tls_context(tmp_path, made.certificates, made.key)

    def serve(self, context, answer, more=b"", *, hold=False):
        def talk(connection):
            with context.wrap_socket(connection, server_side=True) as tls:
                tls.recv(65_536)
                tls.sendall(answer)
                while more:
                    tls.sendall(more)
                if hold:
                    tls.recv(1)  # until the other side has gone

        return peers.peer(talk)

    def fetch(self, port, **options):
        return download.fetch(f"https://localhost:{port}/x.pem", 1000, **options)

    def test_what_is_there_is_returned(self, context):
        with self.serve(context, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as port:
            assert self.fetch(port) == b"hi"

    @pytest.mark.parametrize(
        ("answer", "more", "why"),
        [
            (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 900, "longer than 1000 bytes"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", b"", "ends 7 bytes early"),
            (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", b"", "404 No"),
            (b"nonsense\r\n\r\n", b"", "nonsense"),
            (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n", "more than 100 headers"),
        ],
    )
    def test_a_server_that_sends_too_much_or_too_little(self, context, answer, more, why):
        with self.serve(context, answer, more) as port, pytest.raises(NetworkError) as caught:
            self.fetch(port)
        assert why in caught.value.why

    @pytest.mark.parametrize("sent", [b"HTTP/1.1 200 OK\r\nx-a", b"HTTP/1.1 200 OK\r\n\r\nx"])
    def test_a_drip_has_a_deadline_in_the_headers_and_behind_them(self, context, sent):
        for seconds in (-1, 0.2):
            with (
                self.serve(context, sent, hold=True) as port,
                pytest.raises(NetworkError) as caught,
            ):
                self.fetch(port, seconds=seconds)
            assert caught.value.why == f"it takes longer than {seconds} s"

    def test_a_redirect_out_of_https_is_not_followed(self, context):
        answer = b"HTTP/1.1 302 Go\r\nLocation: http://localhost/x\r\nContent-Length: 0\r\n\r\n"
        with self.serve(context, answer) as port, pytest.raises(InputError, match="not fetched"):
            self.fetch(port)

    def test_a_server_that_nobody_vouches_for_is_refused(self, context, monkeypatch, tmp_path):
        (tmp_path / "none.pem").write_text(armour(root()))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
        with self.serve(context, b"") as port, pytest.raises(NetworkError) as caught:
            self.fetch(port)
        assert "CERTIFICATE_VERIFY_FAILED" in caught.value.why

    def test_another_name_is_refused(self, context):
        with self.serve(context, b"") as port, pytest.raises(NetworkError) as caught:
            download.fetch(f"https://127.0.0.1:{port}/x", 1000)
        assert "CERTIFICATE_VERIFY_FAILED" in caught.value.why
        assert ssl.create_default_context().check_hostname
