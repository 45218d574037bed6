# One image for every role: stillwatch gateway | extractor | worker | console | migrate | run
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_COMPILE_BYTECODE=1
COPY requirements/bootstrap.lock requirements/runtime.lock requirements/
RUN python -m venv /opt/stillwatch \
 && /opt/stillwatch/bin/python -m pip install --quiet --require-hashes -r requirements/bootstrap.lock \
 && /opt/stillwatch/bin/uv pip install --python /opt/stillwatch/bin/python --require-hashes -r requirements/runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY detectors detectors
COPY migrations migrations
RUN /opt/stillwatch/bin/uv pip install --python /opt/stillwatch/bin/python --no-deps --no-build-isolation . \
 && /opt/stillwatch/bin/python -m pip uninstall --quiet --yes uv pip

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin stillwatch \
 && install --directory --owner=stillwatch --mode=0700 /data
COPY --from=build /opt/stillwatch /opt/stillwatch
ENV PATH=/opt/stillwatch/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_NUM_THREADS=1 \
    NUMBA_CACHE_DIR=/opt/stillwatch/loops \
    NUMBA_CPU_NAME=generic \
    STILLWATCH_DATA=/data \
    STILLWATCH_GATEWAY_HOST=0.0.0.0 \
    STILLWATCH_CONSOLE_HOST=0.0.0.0
# Loops compiled here, for any processor of this kind, so that no container has to.
RUN install --directory --owner=stillwatch --mode=0700 "$NUMBA_CACHE_DIR"
USER stillwatch
RUN python -m app.run.warm
WORKDIR /data
VOLUME /data
EXPOSE 8080 8081
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s CMD ["stillwatch", "health", "gateway"]
ENTRYPOINT ["stillwatch"]
CMD ["run"]
