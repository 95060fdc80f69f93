# The service and the command `vmconfig`: built in one stage, run as nobody from another that has no build tools.
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml requirements.txt README.md LICENSE ./
COPY webhook ./webhook
COPY certs ./certs
COPY policies ./policies
RUN python -m venv /opt/vmconfig \
    && /opt/vmconfig/bin/pip install --no-cache-dir --require-hashes --requirement requirements.txt \
    && /opt/vmconfig/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim AS run
ENV PATH=/opt/vmconfig/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/vmconfig /opt/vmconfig
COPY policies /etc/vmconfig/policies
USER 65532:65532
ENTRYPOINT ["vmconfig"]

# `docker build --target hook`: KubeVirt starts the images of binding plugins and sidecars without arguments.
FROM run AS hook
CMD ["serve-hook"]

FROM run
EXPOSE 8443
CMD ["serve", "--listen", "0.0.0.0:8443", "--policies", "/etc/vmconfig/policies"]
