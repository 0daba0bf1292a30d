# docker build --build-arg REVISION=$(git rev-parse HEAD): the commit, shown by registry_exporter_build_info.
# With --platform linux/arm64 or linux/amd64 the compiler still runs on this machine's processor; only the last
# installation of packages needs an emulator for another one.
FROM debian:bookworm-slim AS runtime
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates libcurl4 libfmt9 libre2-9 libsimdjson14 \
      libspdlog1.10 libsqlite3-0 libssl3 libyaml-cpp0.7 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o 65534 -g 0 -m 0770 /var/lib/registry_exporter

FROM --platform=$BUILDPLATFORM debian:bookworm-slim AS build
# Not every tool sets it.
ARG TARGETARCH
WORKDIR /source
COPY packaging/libraries packaging/libraries
# Those that are the same for all architectures have none in their names.
RUN : "${TARGETARCH:=$(dpkg --print-architecture)}" \
 && dpkg --add-architecture "$TARGETARCH" \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      "crossbuild-essential-$TARGETARCH" cmake ninja-build pkg-config python3 \
      $(apt-cache show --no-all-versions $(cat packaging/libraries) | awk -v target=":$TARGETARCH" \
        '/^Package:/ {name = $2} /^Architecture:/ {print name ($2 == "all" ? "" : target)}') \
 && rm -rf /var/lib/apt/lists/*
COPY . .
RUN : "${TARGETARCH:=$(dpkg --print-architecture)}" \
 && cmake --preset release --toolchain packaging/cross.cmake -DARCHITECTURE="$TARGETARCH" \
      -DBUILD_TESTING=OFF -DCMAKE_CXX_COMPILER_LAUNCHER= \
 && cmake --build build --target exporter_core
# The program alone knows its commit: another one compiles little.
ARG REVISION=
RUN cmake -DREVISION="$REVISION" build \
 && cmake --build build --target registry_exporter
# The versions of the libraries are those of the image, whenever its layer was made.
COPY --from=runtime /var/lib/dpkg /runtime
RUN version=$(sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' build/CMakeCache.txt) \
 && packaging/sbom.py build "$version" "$(date -u +%FT%TZ)" /runtime >build/sbom.cdx.json \
 && $(sed -n 's/^CMAKE_STRIP:FILEPATH=//p' build/CMakeCache.txt) build/registry_exporter

FROM runtime
COPY --from=build /source/build/registry_exporter /usr/bin/registry_exporter
COPY --from=build /source/build/sbom.cdx.json /usr/share/doc/registry-exporter/sbom.cdx.json
COPY config/registry_exporter.yml /etc/registry_exporter/registry_exporter.yml
ARG REVISION=
LABEL org.opencontainers.image.title=registry_exporter \
      org.opencontainers.image.description="Prometheus exporter for container registries: Alibaba Cloud ACR and Huawei Cloud SWR" \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.version=0.1.0 \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.base.name=docker.io/library/debian:bookworm-slim
# Numeric, so that Kubernetes can tell that it is not root. OpenShift takes any other user of group 0.
USER 65534:65534
# The state: give it a volume that outlives the container, or counters begin again at 0.
VOLUME /var/lib/registry_exporter
EXPOSE 10067
ENTRYPOINT ["/usr/bin/registry_exporter", "--config.file=/etc/registry_exporter/registry_exporter.yml"]
