package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// untar gives the files of a tar and the headers in their order.
func untar(t *testing.T, r io.Reader) (map[string][]byte, []*tar.Header) {
	t.Helper()
	files, headers := map[string][]byte{}, []*tar.Header{}
	in := tar.NewReader(r)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files, headers
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name], headers = data, append(headers, h)
	}
}

func TestImageHoldsTheBinaryAndNothingElse(t *testing.T) {
	binaries := map[string][]byte{"amd64": []byte("\x7fELF of one"), "arm64": []byte("\x7fELF of another")}
	var first, second bytes.Buffer
	digest, err := Write(&first, "v1.2.3", "abc", binaries)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Write(&second, "v1.2.3", "abc", binaries); err != nil || again != digest || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("two runs differ: %v", err)
	}
	files, _ := untar(t, &first)
	blob := func(d descriptor) []byte {
		t.Helper()
		data := files["blobs/sha256/"+strings.TrimPrefix(d.Digest, "sha256:")]
		sum := sha256.Sum256(data)
		if d.Digest != "sha256:"+hex.EncodeToString(sum[:]) || d.Size != len(data) {
			t.Fatalf("blob %s is not what it is called", d.Digest)
		}
		return data
	}
	var top, index struct{ Manifests []descriptor }
	into(t, files["index.json"], &top)
	if len(top.Manifests) != 1 || top.Manifests[0].Digest != digest {
		t.Fatalf("index %s", files["index.json"])
	}
	into(t, blob(top.Manifests[0]), &index)
	var archs []string
	for _, d := range index.Manifests {
		archs = append(archs, d.Platform.OS+"/"+d.Platform.Architecture)
		var m struct {
			Config descriptor
			Layers []descriptor
		}
		into(t, blob(d), &m)
		var c config
		into(t, blob(m.Config), &c)
		if c.Architecture != d.Platform.Architecture || len(m.Layers) != 1 || len(c.RootFS.DiffIDs) != 1 {
			t.Fatalf("manifest %+v, config %+v", m, c)
		}
		fitsDockerfile(t, c)
		z, err := gzip.NewReader(bytes.NewReader(blob(m.Layers[0])))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(plain); c.RootFS.DiffIDs[0] != "sha256:"+hex.EncodeToString(sum[:]) {
			t.Error("the layer is not the one that the configuration names")
		}
		content, headers := untar(t, bytes.NewReader(plain))
		var said []string
		for _, h := range headers {
			said = append(said, h.Name)
			if !h.ModTime.IsZero() && h.ModTime.Unix() != 0 {
				t.Errorf("%s has a time", h.Name)
			}
		}
		if diff := cmp.Diff([]string{"data/", "plimsoll"}, said); diff != "" {
			t.Errorf("the layer holds:\n%s", diff)
		}
		if !bytes.Equal(content["plimsoll"], binaries[c.Architecture]) || headers[1].Mode != 0o755 || headers[1].Uid != 0 || headers[0].Uid != user || headers[0].Mode != 0o700 {
			t.Errorf("headers %+v %+v", headers[0], headers[1])
		}
	}
	if !slices.Equal(archs, []string{"linux/amd64", "linux/arm64"}) {
		t.Errorf("platforms %v", archs)
	}
}

func into(t *testing.T, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
}

// fitsDockerfile holds the configuration against what the Dockerfile's last
// stage says.
func fitsDockerfile(t *testing.T, c config) {
	t.Helper()
	f, err := os.Open("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	parsed, err := parser.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string][]string{}
	for _, n := range parsed.AST.Children {
		name := strings.ToUpper(n.Value)
		if name == "FROM" {
			said = map[string][]string{}
		}
		var words []string
		for w := n.Next; w != nil; w = w.Next {
			words = append(words, w.Value)
		}
		said[name] = words
	}
	env := said["ENV"]
	got := map[string][]string{"FROM": {"scratch"}, "USER": {c.Config.User}, "ENTRYPOINT": c.Config.Entrypoint, "CMD": c.Config.Cmd, "EXPOSE": {"8080"}}
	for name, want := range got {
		if !slices.Equal(said[name], want) {
			t.Errorf("the Dockerfile says %s %v, the image %v", name, said[name], want)
		}
	}
	if len(env) < 2 || !slices.Contains(c.Config.Env, env[0]+"="+env[1]) {
		t.Errorf("the Dockerfile says ENV %v, the image %v", env, c.Config.Env)
	}
}
