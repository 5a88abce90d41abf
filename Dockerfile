# syntax=docker/dockerfile:1
# The explorer as an image; docs/serving.md has the commands.
#   CPU: docker build --build-arg TORCH_INDEX=ADDRESS -t mixer-explorer .    (or --build-context wheels=FOLDER)
#   GPU: docker build --build-arg VARIANT=gpu -t mixer-explorer:gpu .
ARG PYTHON=3.11-slim-bookworm

# Empty; `--build-context wheels=FOLDER` puts a folder with wheels of torch and torchvision in its place.
FROM scratch AS wheels

FROM python:${PYTHON} AS build
ARG VARIANT=cpu
ARG TORCH_INDEX=""
WORKDIR /source
RUN --mount=type=cache,target=/root/.cache/pip pip install "build>=1.6,<2" "hatchling>=1.27,<2"
COPY . .
RUN python -m build --wheel --no-isolation --outdir /wheel
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,from=wheels,target=/wheels \
    WHEELS=/wheels TORCH_INDEX="${TORCH_INDEX}" sh deploy/install.sh /opt/explorer /wheel/*.whl "${VARIANT}"

FROM python:${PYTHON} AS explorer
LABEL org.opencontainers.image.title="Mixer explorer" \
    org.opencontainers.image.description="Look inside an MLP-Mixer in the browser" \
    org.opencontainers.image.licenses="MIT"
RUN useradd --uid 1000 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin explorer \
    && install --directory --owner explorer /var/cache/models
COPY --from=build /opt/explorer /opt/explorer
# Strangers may come: docs/serving.md says what this setting turns off, and how to turn it on again.
ENV MIXER_EXPLORER_PUBLIC=on \
    STREAMLIT_SERVER_HEADLESS=true \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_PORT=8501 \
    HF_HOME=/var/cache/models \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    PATH=/opt/explorer/bin:$PATH \
    PYTHONUNBUFFERED=1
USER 1000:1000
WORKDIR /tmp
EXPOSE 8501
# Downloaded models alone; with a read-only file system /tmp is the only other place that is written to.
VOLUME ["/var/cache/models"]
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 \
    CMD ["python", "-m", "mixer_viz.ui.serving.health"]
# Ends within 5 s of SIGTERM.
STOPSIGNAL SIGTERM
ENTRYPOINT ["mixer-explorer"]
