"""HEALTHCHECK of the container: asks /healthz where the settings say that HTTP is listened for."""

import os
import sys
from http.client import HTTPConnection
from pathlib import Path

from config.settings import load

file = Path(os.environ.get("PASSERELLE_CONFIG", "passerelle.toml"))
listen = load(file if file.exists() else None, os.environ).http.listen
connection = HTTPConnection(listen.host, listen.port, timeout=4)
connection.request("GET", "/healthz")
sys.exit(connection.getresponse().status != 200)
