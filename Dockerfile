# One image for every role: reading, the API, workers, the dispatcher. The base is Debian 12, which has all system
# packages we need. Models are built in: nothing is fetched when it runs.
FROM python:3.12.12-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 OMP_NUM_THREADS=1 OMP_THREAD_LIMIT=1
WORKDIR /opt/postroom

# The same set-up as on any other machine: system packages, packages with checked hashes, models.
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY scripts scripts
COPY schemas schemas
COPY extract extract
COPY intake intake
COPY review_ui review_ui
RUN scripts/setup && rm -rf /var/lib/apt/lists/* /root/.cache

# Nobody in particular, with a number that the owner of a volume can be given.
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/postroom postroom
USER 10001
WORKDIR /var/lib/postroom
VOLUME /var/lib/postroom
ENV PATH=/opt/postroom/.venv/bin:$PATH POSTROOM_HOME=/var/lib/postroom XDG_CACHE_HOME=/var/lib/postroom/cache
EXPOSE 8000
# For `serve`; other roles are looked at in ways of their own, as compose.yaml does.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python", "-c", \
    "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ.get(\"POSTROOM_PORT\", 8000)}/health/live', timeout=5)"]
ENTRYPOINT ["postroom"]
CMD ["--help"]
