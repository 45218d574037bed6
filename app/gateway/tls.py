"""How a connection to a model API is secured: verified unless a route says otherwise, with a certificate of our own."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True, slots=True)
class Tls:
    """The TLS settings of a route; `server_name` is what the certificate must be for, empty: the URL's host."""

    verify: bool = True
    ca_file: Path | None = None  # instead of the system's authorities
    client_cert: Path | None = None
    client_key: Path | None = None  # None: it stands in client_cert
    server_name: str = ""
    min_version: str = "1.2"


def context(tls: Tls, wrong: Callable[[str, str, str], Exception]) -> ssl.SSLContext:
    """What connections are made with; raises what `wrong` makes of a key, its problem and the remedy."""
    try:
        made = ssl.create_default_context(cafile=tls.ca_file)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise wrong("ca_file", _problem(tls.ca_file, error), "give a readable PEM file of certificates") from None
    if not tls.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    made.minimum_version = VERSIONS[tls.min_version]
    made.set_alpn_protocols(["http/1.1"])
    if tls.client_cert is not None:
        try:
            # An encrypted key would ask at the terminal: the empty password makes that an error.
            made.load_cert_chain(tls.client_cert, tls.client_key, password="")
        except (OSError, ValueError) as error:
            key, path = ("client_cert", tls.client_cert)
            if tls.client_key is not None and _readable(tls.client_cert):
                key, path = "client_key", tls.client_key
            remedy = "give a PEM certificate and the unencrypted PEM key that belongs to it"
            raise wrong(key, _problem(path, error), remedy) from None
    return made


def _readable(path: Path) -> bool:
    try:
        return b"BEGIN CERTIFICATE" in path.read_bytes()
    except OSError:
        return False


def _problem(path: Path | None, error: Exception) -> str:
    if isinstance(error, ssl.SSLError) or not isinstance(error, OSError):
        return f"{path} holds none that can be used"
    return f"{path}: {error.strerror or type(error).__name__}"


def reason(error: Exception) -> str:
    """Why a handshake failed, without anything that the peer or a file said in secret."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        said = (error.reason or "no reason given").replace("_", " ").lower()
        return f"TLS failed ({said})"
    return f"TLS failed ({type(error).__name__})"
