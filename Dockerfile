# The recorder. Everything is installed by hash; nothing runs as root.
FROM python:3.12-slim AS build
WORKDIR /src
COPY requirements requirements
RUN python -m venv /opt/build && python -m venv --without-pip /opt/devicelog \
    && /opt/build/bin/pip install --no-cache-dir --require-hashes \
        -r requirements/setup.txt \
    && /opt/build/bin/uv pip install --python /opt/devicelog/bin/python \
        --require-hashes -r requirements/run.txt
COPY . .
RUN /opt/build/bin/python -m hatchling build -t wheel -d /tmp/wheel \
    && /opt/build/bin/uv pip install --python /opt/devicelog/bin/python --no-deps \
        /tmp/wheel/*.whl

FROM python:3.12-slim
# dialout (20) may open serial ports.
RUN groupadd --gid 10001 devicelog \
    && useradd --uid 10001 --gid devicelog --groups dialout --no-create-home \
        --home-dir /var/lib/devicelog --shell /usr/sbin/nologin devicelog \
    && install -d -o devicelog -g devicelog -m 0700 /var/lib/devicelog
COPY --from=build /opt/devicelog /opt/devicelog
ENV PATH=/opt/devicelog/bin:$PATH PYTHONUNBUFFERED=1
USER devicelog
VOLUME /var/lib/devicelog
# Whether it records, asked over its own socket.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s \
    CMD devicelog status --json | grep -q '"running": true'
ENTRYPOINT ["devicelog"]
CMD ["run"]
