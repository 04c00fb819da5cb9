# Passerelle in a container: `docker build -t passerelle .`, then see README.md, "In a container".
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /opt/passerelle \
    && /opt/passerelle/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY . .
RUN /opt/passerelle/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/passerelle/bin/pip uninstall --yes setuptools pip

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="Passerelle" \
      org.opencontainers.image.description="SIP and meeting-room gateway" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --system --gid 990 passerelle \
    && useradd --system --uid 990 --gid passerelle --home-dir /var/lib/passerelle passerelle \
    && install --directory --owner passerelle --group passerelle /var/lib/passerelle
COPY --from=build /opt/passerelle /opt/passerelle
COPY deploy/healthcheck.py /opt/passerelle/
ENV PATH=/opt/passerelle/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PASSERELLE_LOG__FORMAT=json
# The database and the secret that protects PINs are kept here; settings are read from passerelle.toml, if any.
WORKDIR /var/lib/passerelle
VOLUME /var/lib/passerelle
USER 990:990
EXPOSE 5060/udp 5060/tcp 7882/udp 7882/tcp 8080/tcp 20000-29999/udp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "/opt/passerelle/healthcheck.py"]
ENTRYPOINT ["passerelle"]
CMD ["serve"]
