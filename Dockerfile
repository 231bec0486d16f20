# The image holds the static binary and nothing else: roots of trust are compiled
# in. Two builds of one commit give the same binary: paths are trimmed, the
# version is an argument, and nothing records the time.
# plimsoll:ignore docker/unpinned-base -- go.sum decides what is built; the compiler follows its patch releases
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download && go mod verify
COPY . .
ARG VERSION=dev
ARG COMMIT=
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
      -ldflags "-s -w -buildid= -X main.version=${VERSION} -X main.commit=${COMMIT}" \
      -o /out/plimsoll ./cmd/plimsoll \
 && mkdir -p /out/data && chown 65532:65532 /out/data

FROM scratch
COPY --from=build /out/plimsoll /plimsoll
# plimsoll:ignore docker/copied-for-user -- the folder is empty, and the program keeps its state there
COPY --from=build --chown=65532:65532 /out/data /data
ENV PLIMSOLL_DATA_DIR=/data
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/plimsoll"]
CMD ["serve"]
