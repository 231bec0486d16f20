// Command image packs built binaries as a container image, an OCI layout in one
// tar file, without a container engine: what the Dockerfile describes, one
// manifest an architecture. Two runs over the same binaries give the same bytes.
//
//	go run ./deploy/image -o dist/plimsoll.oci.tar -version v0.1.0 amd64=dist/plimsoll-linux-amd64 arm64=dist/plimsoll-linux-arm64
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// user is the one that the image runs as; nobody on most systems.
const user = 65532

func main() {
	out := flag.String("o", "plimsoll.oci.tar", "where the image goes")
	version := flag.String("version", "dev", "version, for the annotations")
	revision := flag.String("revision", "", "commit, for the annotations")
	flag.Parse()
	if err := run(*out, *version, *revision, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "image: "+err.Error())
		os.Exit(2)
	}
}

func run(out, version, revision string, args []string) error {
	binaries := map[string][]byte{}
	for _, a := range args {
		arch, path, ok := strings.Cut(a, "=")
		if !ok {
			return fmt.Errorf("%q is not arch=binary", a)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		binaries[arch] = data
	}
	if len(binaries) == 0 {
		return errors.New("no binary; give arch=binary")
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	digest, err := Write(f, version, revision, binaries)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	fmt.Println(digest)
	return nil
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

// config is the image's configuration.
type config struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Config       struct {
		User         string              `json:"User"`
		ExposedPorts map[string]struct{} `json:"ExposedPorts"`
		Env          []string            `json:"Env"`
		Entrypoint   []string            `json:"Entrypoint"`
		Cmd          []string            `json:"Cmd"`
		Labels       map[string]string   `json:"Labels"`
	} `json:"config"`
	RootFS struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// Write writes the layout and gives the digest of the image's index.
func Write(w io.Writer, version, revision string, binaries map[string][]byte) (string, error) {
	blobs := map[string][]byte{}
	add := func(kind string, data []byte) descriptor {
		sum := sha256.Sum256(data)
		d := descriptor{MediaType: kind, Digest: "sha256:" + hex.EncodeToString(sum[:]), Size: len(data)}
		blobs["blobs/sha256/"+hex.EncodeToString(sum[:])] = data
		return d
	}
	labels := map[string]string{
		"org.opencontainers.image.title": "plimsoll", "org.opencontainers.image.version": version, "org.opencontainers.image.revision": revision,
		"org.opencontainers.image.source": "https://github.com/plimsoll-iac/plimsoll", "org.opencontainers.image.licenses": "Apache-2.0",
	}
	var manifests []descriptor
	for _, arch := range slices.Sorted(maps.Keys(binaries)) {
		layer, diff, err := layerOf(binaries[arch])
		if err != nil {
			return "", err
		}
		var c config
		c.Architecture, c.OS = arch, "linux"
		c.Config.User = fmt.Sprintf("%d:%d", user, user)
		c.Config.ExposedPorts = map[string]struct{}{"8080/tcp": {}}
		c.Config.Env = []string{"PLIMSOLL_DATA_DIR=/data"}
		c.Config.Entrypoint, c.Config.Cmd = []string{"/plimsoll"}, []string{"serve"}
		c.Config.Labels = labels
		c.RootFS.Type, c.RootFS.DiffIDs = "layers", []string{diff}
		text, err := json.Marshal(c)
		if err != nil {
			return "", err
		}
		m, err := json.Marshal(map[string]any{
			"schemaVersion": 2, "mediaType": manifestType, "config": add(configType, text), "layers": []descriptor{add(layerType, layer)},
		})
		if err != nil {
			return "", err
		}
		d := add(manifestType, m)
		d.Platform = &platform{arch, "linux"}
		manifests = append(manifests, d)
	}
	image, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": indexType, "manifests": manifests, "annotations": labels})
	if err != nil {
		return "", err
	}
	d := add(indexType, image)
	d.Annotations = map[string]string{"org.opencontainers.image.ref.name": version}
	top, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": indexType, "manifests": []descriptor{d}})
	if err != nil {
		return "", err
	}
	blobs["index.json"], blobs["oci-layout"] = top, []byte(`{"imageLayoutVersion":"1.0.0"}`)
	t := tar.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(blobs)) {
		if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(blobs[name])), Format: tar.FormatUSTAR}); err != nil {
			return "", err
		}
		if _, err := t.Write(blobs[name]); err != nil {
			return "", err
		}
	}
	return d.Digest, t.Close()
}

// layerOf is the one layer: the binary and the data folder. diff is the digest before compression.
func layerOf(binary []byte) (packed []byte, diff string, err error) {
	var plain bytes.Buffer
	t := tar.NewWriter(&plain)
	for _, h := range []*tar.Header{
		{Name: "data/", Typeflag: tar.TypeDir, Mode: 0o700, Uid: user, Gid: user},
		{Name: "plimsoll", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(binary))},
	} {
		h.Format = tar.FormatUSTAR
		if err := t.WriteHeader(h); err != nil {
			return nil, "", err
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := t.Write(binary); err != nil {
				return nil, "", err
			}
		}
	}
	if err := t.Close(); err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(plain.Bytes())
	var z bytes.Buffer
	gz, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err != nil {
		return nil, "", err
	}
	if _, err := gz.Write(plain.Bytes()); err != nil {
		return nil, "", err
	}
	if err := gz.Close(); err != nil {
		return nil, "", err
	}
	return z.Bytes(), "sha256:" + hex.EncodeToString(sum[:]), nil
}
