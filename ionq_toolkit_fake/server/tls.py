"""TLS by files: a certificate and its key."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import os


class TlsFileError(ValueError):
    """A certificate or a key cannot be used."""


def tls_context(
    certificate: str | os.PathLike[str], key: str | os.PathLike[str] | None = None
) -> ssl.SSLContext:
    """Return the TLS settings of a server.

    Args:
        certificate: A PEM file with the certificate, followed by those that sign it.
        key: A PEM file with its key, without a passphrase; None: the first file has it.

    Raises:
        TlsFileError: A file cannot be read, is not PEM, has a passphrase, or the two do not belong
            together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2

    def refuse_passphrase() -> NoReturn:
        raise TlsFileError(
            f"the key {key or certificate} has a passphrase: write it without one, as "
            "openssl pkey -in KEY -out NEW_KEY does"
        )

    try:
        context.load_cert_chain(certificate, key, refuse_passphrase)
    except ssl.SSLError as error:
        raise TlsFileError(
            f"{certificate} and {key or 'the key in it'} are no certificate in PEM and its key: "
            f"{error.reason or error}"
        ) from error
    except OSError as error:
        files = " or ".join(str(file) for file in (certificate, key) if file is not None)
        raise TlsFileError(f"cannot read {files}: {error.strerror}") from error
    return context
