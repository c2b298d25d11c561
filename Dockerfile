# One image for every role: reading, the site, workers. The base is Debian 12, which has all system packages we need.
FROM python:3.12-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 OMP_NUM_THREADS=1 OMP_THREAD_LIMIT=1
WORKDIR /opt/postroom

# The same set-up as on any other machine: system packages, packages with checked hashes, models.
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY scripts scripts
COPY schemas schemas
COPY extract extract
COPY intake intake
COPY review_ui review_ui
RUN scripts/setup && rm -rf /var/lib/apt/lists/*

RUN useradd --system --create-home --home-dir /var/lib/postroom postroom
USER postroom
WORKDIR /var/lib/postroom
VOLUME /var/lib/postroom
ENV PATH=/opt/postroom/.venv/bin:$PATH
ENTRYPOINT ["postroom"]
CMD ["--help"]
