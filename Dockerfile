# benchbench in a container: what `make eval` installs, by digest, as a user without rights.
#
#   docker build --tag benchbench .                                  # torch for CUDA, as locked
#   docker build --tag benchbench:cpu --build-arg TORCH_INDEX=URL .  # from an index of CPU builds
#
# PYTHON_IMAGE may name a digest: python@sha256:… . Images, weights and results are volumes.
ARG PYTHON_IMAGE=python:3.12-slim

FROM ${PYTHON_IMAGE} AS wheel
COPY lock/run.txt /lock/
# Of the locked packages, the one that builds a wheel.
RUN awk '/^setuptools==/ { found = 1 } found; found && !/\\$/ { exit }' /lock/run.txt > /lock/build.txt \
    && pip install --no-cache-dir --require-hashes -r /lock/build.txt --target /tools
COPY pyproject.toml README.md LICENSE /source/
COPY benchbench /source/benchbench
COPY tasks /source/tasks
COPY docs/audits /source/docs/audits
RUN PYTHONPATH=/tools pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels /source

FROM ${PYTHON_IMAGE}
ARG TORCH_INDEX=
ENV PYTHONUNBUFFERED=1 NVIDIA_DRIVER_CAPABILITIES=compute,utility
# The largest layer first: it changes with lock/torch.txt alone. What it needs is in lock/run.txt.
COPY lock/torch.in lock/torch.txt /lock/
RUN if [ -n "$TORCH_INDEX" ]; \
    then pip install --no-cache-dir --no-deps --index-url "$TORCH_INDEX" -r /lock/torch.in; \
    else pip install --no-cache-dir --no-deps --require-hashes -r /lock/torch.txt; fi
COPY lock/run.txt /lock/
RUN pip install --no-cache-dir --require-hashes -r /lock/run.txt
COPY --from=wheel /wheels /wheels
RUN pip install --no-cache-dir --no-deps /wheels/*.whl && pip check

# /cache holds the drawn world, embeddings and downloaded weights; anyone may write there, so that
# `--user "$(id -u):$(id -g)"` makes results that belong to the caller.
RUN useradd --uid 10001 --home-dir /cache --no-create-home benchbench \
    && mkdir -p /cache /results \
    && chmod 1777 /cache /results
ENV HOME=/cache BENCHBENCH_CACHE=/cache/benchbench HF_HOME=/cache/huggingface USER=benchbench
USER 10001
WORKDIR /results
VOLUME /cache
ENTRYPOINT ["benchbench"]
CMD ["--help"]
