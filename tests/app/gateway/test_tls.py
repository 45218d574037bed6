"""TLS to model APIs, with real handshakes: trust, names, versions, client certificates, what failures say."""

from __future__ import annotations

import datetime
import ipaddress
import json
import logging
import socket
import ssl
import threading
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


class Authority:
    """A certificate authority that lives for a test."""

    def __init__(self, folder, name):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        # Python 3.13 verifies strictly: an authority says what its key is for.
        flags = dict.fromkeys(USAGES, False) | {"key_cert_sign": True, "crl_sign": True}
        extensions = [x509.BasicConstraints(ca=True, path_length=None), x509.KeyUsage(**flags)]
        extensions.append(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()))
        self.certificate = self._build(self.name, self.key, extensions)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _build(self, subject, key, extensions, days=(-1, 2)):
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now + datetime.timedelta(days=days[0]))
        builder = builder.not_valid_after(now + datetime.timedelta(days=days[1]))
        for extension in extensions:
            critical = isinstance(extension, x509.BasicConstraints | x509.KeyUsage)
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name, *names, days=(-1, 2)):
        """The files of a certificate for these names, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [
            x509.IPAddress(ipaddress.ip_address(one)) if one[0].isdigit() else x509.DNSName(one) for one in names
        ]
        extensions = [x509.SubjectAlternativeName(alternatives)] if alternatives else []
        extensions.append(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._build(subject, key, extensions, days)
        files = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
        return files


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """Two authorities and what they have issued."""
    folder = tmp_path_factory.mktemp("pki")
    ours, theirs = Authority(folder, "ours"), Authority(folder, "theirs")
    return SimpleNamespace(
        folder=folder,
        server=ours.issue("server", "localhost", "inner.example.com"),
        expired=ours.issue("expired", "localhost", days=(-9, -1)),
        client=ours.issue("client"),
        stranger=theirs.issue("stranger"),
    )


@pytest.fixture
def serve_tls(pki):
    """Starts HTTPS servers that echo; gives their port, the names asked for and the certificates shown."""
    listeners = []

    def start(files=None, *, client_ca=False, maximum=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*(files or pki.server))
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(pki.folder / "ours.pem")
        if maximum is not None:
            context.maximum_version = maximum
        found = SimpleNamespace(names=[], subjects=[], connections=0)
        context.sni_callback = lambda sock, name, ctx: found.names.append(name)
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        found.port = listener.getsockname()[1]

        def talk(plain):
            try:
                with context.wrap_socket(plain, server_side=True) as sock:
                    found.connections += 1
                    found.subjects.append(sock.getpeercert().get("subject") if client_ca else None)
                    data = b""
                    while piece := sock.recv(65536):
                        data += piece
                        head, _, body = data.partition(b"\r\n\r\n")
                        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                        if len(body) == length:
                            sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (length, body))
                            data = b""
            except OSError:
                plain.close()

        def accept():
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(plain,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return found

    yield start
    for listener in listeners:
        listener.close()


@pytest.fixture
def ask(make_gateway, pki):
    """Asks a model API through a gateway with these TLS settings; status, answer and the gateway."""

    def run(port, tls='ca_file = "ours.pem"', host="localhost", times=1):
        file = pki.folder / f"routes-{port}.toml"
        file.write_text(f'[[route]]\nprefix = "/"\nupstream = "https://{host}:{port}"\n[route.tls]\n{tls}\n')
        gateway = make_gateway(STILLWATCH_ROUTES=str(file), UPSTREAM="", STILLWATCH_MODE="bypass")
        with gateway.client() as client:
            for _ in range(times):
                status, body = client.ask("/v1", b"a secret prompt", "Authorization: Bearer sk-canary")
        return status, body, gateway

    return run


def test_a_private_authority_is_trusted_where_its_file_is_named_and_connections_are_kept(serve_tls, ask):
    api = serve_tls()
    status, body, gateway = ask(api.port, times=5)
    assert (status, body) == (200, b"a secret prompt")
    assert (api.names, api.connections) == (["localhost"], 1)
    assert gateway.counters()["upstream_reused"] == 4


def _refused(result, reason):
    status, body, gateway = result
    error = json.loads(body)["error"]
    assert (status, error["code"]) == (502, "upstream_tls")
    assert reason in error["message"]
    assert gateway.counters()["upstream_untrusted"] == gateway.counters()["upstream_failed"] == 1


def test_an_unknown_authority_is_502_and_logged_by_host_and_reason_alone(serve_tls, ask, caplog):
    api = serve_tls()
    with caplog.at_level(logging.WARNING):
        _refused(ask(api.port, "verify = true"), "unable to get local issuer certificate")
    (record,) = [record for record in caplog.records if record.name == "app.gateway.upstream"]
    assert record.host == "localhost"
    assert "issuer" in record.reason
    assert "canary" not in caplog.text + str(vars(record))


def test_failures_in_a_row_are_logged_once(serve_tls, ask, caplog):
    api = serve_tls()
    with caplog.at_level(logging.WARNING):
        _, _, gateway = ask(api.port, "verify = true", times=8)
    assert gateway.counters()["upstream_untrusted"] == 8
    assert len([record for record in caplog.records if record.name == "app.gateway.upstream"]) == 1


def test_another_name_is_502(serve_tls, ask):
    _refused(ask(serve_tls().port, host="127.0.0.1"), "IP address mismatch")


def test_the_name_in_the_certificate_can_be_said(serve_tls, ask):
    api = serve_tls()
    status, _, _ = ask(api.port, 'ca_file = "ours.pem"\nserver_name = "inner.example.com"', host="127.0.0.1")
    assert (status, api.names) == (200, ["inner.example.com"])


def test_an_expired_certificate_is_502(serve_tls, ask, pki):
    _refused(ask(serve_tls(pki.expired).port), "certificate has expired")


def test_verification_can_be_switched_off(serve_tls, ask, pki):
    assert ask(serve_tls(pki.expired).port, "verify = false", host="127.0.0.1")[0] == 200


def test_an_older_version_than_asked_is_502(serve_tls, ask):
    api = serve_tls(maximum=ssl.TLSVersion.TLSv1_2)
    assert ask(api.port)[0] == 200
    _refused(ask(api.port, 'ca_file = "ours.pem"\nmin_version = "1.3"'), "TLS failed")


def test_what_is_no_tls_is_502(ask):
    def answer_in_the_clear(listener):
        sock, _ = listener.accept()
        with sock:
            sock.recv(1)
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as plain:
        thread = threading.Thread(target=answer_in_the_clear, args=(plain,))
        thread.start()
        result = ask(plain.getsockname()[1])
        thread.join()
    _refused(result, "TLS failed")


def test_a_client_certificate_is_shown(serve_tls, ask):
    api = serve_tls(client_ca=True)
    assert ask(api.port, 'ca_file = "ours.pem"\nclient_cert = "client.crt"\nclient_key = "client.key"')[0] == 200
    assert api.subjects == [((("commonName", "client"),),)]


@pytest.mark.parametrize("tls", ["", 'client_cert = "stranger.crt"\nclient_key = "stranger.key"'])
@pytest.mark.parametrize("maximum", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_missing_or_unknown_client_certificate_is_502(serve_tls, ask, tls, maximum):
    """With TLS 1.3 the refusal comes only after the handshake, in place of the answer."""
    status, body, gateway = ask(serve_tls(client_ca=True, maximum=maximum).port, f'ca_file = "ours.pem"\n{tls}')
    assert (status, json.loads(body)["error"]["code"]) == (502, "upstream_tls")
    assert gateway.counters()["upstream_untrusted"] == 1


def test_a_key_that_does_not_belong_to_the_certificate_ends_the_start(ask):
    with pytest.raises(Exception, match=r"route 1, tls\.client_key.*Remedy: give a PEM certificate"):
        ask(1, 'client_cert = "client.crt"\nclient_key = "stranger.key"')
