# jeton in a container: built here, run as nobody in particular, on a root that nobody writes to.
#
#   docker build -t jeton .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges \
#       -v jeton:/var/lib/jeton -p 127.0.0.1:7070:7070 jeton
#
# The container listens on all of its own addresses; who reaches them is for `-p` to say. Behind it
# stands whatever speaks TLS.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock rustfmt.toml clippy.toml ./
COPY crates crates
COPY e2e e2e
COPY presets presets
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release -p jeton \
    && install -D -m 755 target/release/jeton /out/usr/bin/jeton \
    && install -d -m 700 -o 10001 -g 10001 /out/var/lib/jeton

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build --chown=10001:10001 /out/var/lib/jeton /var/lib/jeton
COPY --from=build /out/usr/bin/jeton /usr/bin/jeton
USER 10001:10001
WORKDIR /var/lib/jeton
ENV JETON_DATA=/var/lib/jeton \
    JETON_SERVER__LISTEN=0.0.0.0:7070 \
    JETON_LOG__FORMAT=json
VOLUME /var/lib/jeton
EXPOSE 7070
STOPSIGNAL SIGTERM
# Whether changes are taken, asked by the program itself: the image has no other that could.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["/usr/bin/jeton", "doctor", "--ready"]
ENTRYPOINT ["/usr/bin/jeton"]
CMD ["serve"]
