"""HEALTHCHECK of the container: asks /healthz where the settings say that HTTP is listened for."""

import os
import ssl
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

from config.settings import load

PATIENCE = 4.0  # seconds

file = Path(os.environ.get("PASSERELLE_CONFIG", "passerelle.toml"))
http = load(file if file.exists() else None, os.environ).http
where = http.listen.host, http.listen.port
connection = HTTPConnection(*where, timeout=PATIENCE)
if http.tls:
    # Nobody else can answer on this machine, and the certificate is not for its address.
    connection = HTTPSConnection(*where, timeout=PATIENCE, context=ssl._create_unverified_context())  # noqa: S323
try:
    connection.request("GET", "/healthz")
    status = connection.getresponse().status
except (OSError, HTTPException) as error:
    sys.exit(f"no answer at {http.listen}: {error}")
sys.exit(0 if status == 200 else f"/healthz answers {status}")
