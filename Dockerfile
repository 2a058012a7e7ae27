# A small image with nothing in it but ringcheck: no shell, no package manager, not root.
#
#   docker build -t ringcheck .
#   docker run --rm -v "$PWD/config:/etc/ringcheck/config:ro" -v "$PWD/probes:/etc/ringcheck/probes:ro" \
#     -v ringcheck:/var/lib/ringcheck --env-file secrets.env ringcheck
#
# The listeners are on loopback unless the config says otherwise; inside a container set them to
# "0.0.0.0:…" and publish only what others should reach.

FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
# The C library is linked in, so that the binary runs in an empty image; names are still looked up
# through /etc/hosts and /etc/resolv.conf, which the container's runtime provides.
ENV RUSTFLAGS="-C target-feature=+crt-static"
RUN cargo build --release --locked --bin ringcheck --target "$(uname -m)-unknown-linux-gnu" \
 && mkdir -p /image/etc/ssl/certs /image/etc/ringcheck /image/var/lib/ringcheck /image/tmp \
 && cp "target/$(uname -m)-unknown-linux-gnu/release/ringcheck" /image/ringcheck \
 && cp -L /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
 && cp -r config probes /image/etc/ringcheck/ \
 && echo 'ringcheck:x:65532:65532:ringcheck:/var/lib/ringcheck:/ringcheck' > /image/etc/passwd \
 && echo 'ringcheck:x:65532:' > /image/etc/group \
 && chown 65532:65532 /image/var/lib/ringcheck && chmod 1777 /image/tmp

FROM scratch
COPY --from=build /image/ /
USER 65532:65532
# Relative paths in the config, such as the store's, are below this folder.
WORKDIR /var/lib/ringcheck
VOLUME /var/lib/ringcheck
ENTRYPOINT ["/ringcheck"]
CMD ["run", "--config", "/etc/ringcheck/config", "--probes", "/etc/ringcheck/probes"]
