FROM debian:bookworm-slim AS build
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      g++ cmake ninja-build pkg-config \
      libboost-dev libcli11-dev libcurl4-openssl-dev libexpected-dev libhowardhinnant-date-dev libprotozero-dev \
      libre2-dev libsimdjson-dev libspdlog-dev libsqlite3-dev libsqlitecpp-dev libssl-dev \
      libyaml-cpp-dev nlohmann-json3-dev zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# docker build --build-arg REVISION=$(git rev-parse HEAD): shown by registry_exporter_build_info.
ARG REVISION=
RUN cmake --preset release -DBUILD_TESTING=OFF -DREVISION="$REVISION" -DCMAKE_CXX_COMPILER_LAUNCHER= \
 && cmake --build build --target registry_exporter \
 && strip build/registry_exporter

FROM debian:bookworm-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates libcurl4 libfmt9 libre2-9 libsimdjson14 \
      libspdlog1.10 libsqlite3-0 libssl3 libyaml-cpp0.7 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o 65534 -g 0 -m 0770 /var/lib/registry_exporter
COPY --from=build /source/build/registry_exporter /usr/bin/registry_exporter
COPY config/registry_exporter.yml /etc/registry_exporter/registry_exporter.yml
# Numeric, so that Kubernetes can tell that it is not root. OpenShift takes any other user of group 0.
USER 65534:65534
# The state: give it a volume that outlives the container, or counters begin again at 0.
VOLUME /var/lib/registry_exporter
EXPOSE 10067
ENTRYPOINT ["/usr/bin/registry_exporter", "--config.file=/etc/registry_exporter/registry_exporter.yml"]
