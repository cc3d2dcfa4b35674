# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
WORKDIR /src
RUN pip install --no-cache-dir uv==0.13.9
COPY pyproject.toml uv.lock README.md LICENSE CHANGELOG.md ./
# What the lock names, with hashes, before the source: this layer changes only when the lock does.
RUN uv export --frozen --no-dev --no-emit-project --output-file requirements.txt \
 && uv venv /opt/zerotouch \
 && uv pip install --python /opt/zerotouch --require-hashes --requirements requirements.txt
COPY operator operator
RUN uv build --wheel --out-dir /dist \
 && uv pip install --python /opt/zerotouch --no-deps /dist/*.whl

FROM python:3.13-slim
LABEL org.opencontainers.image.title=zerotouch org.opencontainers.image.licenses=Apache-2.0
COPY --from=build /opt/zerotouch /opt/zerotouch
ENV PATH=/opt/zerotouch/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["zerotouch"]
CMD ["run"]
