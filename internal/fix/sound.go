package fix

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// sound checks that what came out still is a file of its format, and that no
// other document or block of it changed; with adds set, documents may have come.
// It is cheap; the proof comes later.
func sound(f *source.File, after []byte, res *resource.Resource, adds bool) error {
	switch {
	case res.Format == resource.Dockerfile:
		return nil
	case isJSON(f.Path):
		return soundJSON(after)
	case res.Format == resource.Terraform, isHCL(f.Path):
		return soundHCL(f, after)
	case res.Format == resource.NodeBootstrap:
		// In files of many formats; the proof reads them as what they are.
		switch path.Ext(f.Path) {
		case ".tf", ".hcl", ".tofu":
			return soundHCL(f, after)
		case ".yaml", ".yml":
			return soundYAML(f.Data, after, adds)
		}
		return nil
	}
	return soundYAML(f.Data, after, adds)
}

var errBroken = errors.New("the edited file would not be read any more")

func soundJSON(after []byte) error {
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(after, []byte("\ufeff"))))
	for {
		var v json.RawMessage
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errBroken
		}
	}
}

func soundHCL(f *source.File, after []byte) error {
	file, diags := hclsyntax.ParseConfig(after, f.Path, hcl.InitialPos)
	if diags.HasErrors() {
		return errBroken
	}
	if _, ok := file.Body.(*hclsyntax.Body); !ok {
		return errBroken
	}
	return nil
}

// soundYAML reads the documents that the edits touched: as many as before, or
// more where some were added.
func soundYAML(before, after []byte, adds bool) error {
	head := 0
	for head < len(before) && head < len(after) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < len(before)-head && tail < len(after)-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	// An insertion in front of a document's marker belongs to the one above it.
	start := documentStart(before, max(0, head-1))
	end := documentEnd(before, len(before)-tail)
	a, err := documents(before[start:end])
	if err != nil {
		return errors.New("the document cannot be read by itself")
	}
	b, err := documents(after[start : end+len(after)-len(before)])
	if err != nil || b < a || b > a && !adds {
		return errBroken
	}
	return nil
}

// documentStart is the start of the document that holds the offset.
func documentStart(data []byte, at int) int {
	for {
		at = bytes.LastIndexByte(data[:at], '\n') + 1
		if at == 0 || bytes.HasPrefix(data[at:], []byte("---")) {
			return at
		}
		at--
	}
}

// documentEnd is the end of the document that holds the offset.
func documentEnd(data []byte, at int) int {
	if at > 0 {
		at--
	}
	i := bytes.Index(data[at:], []byte("\n---"))
	if i < 0 {
		return len(data)
	}
	return at + i + 1
}

func documents(data []byte) (int, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for n := 0; ; n++ {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}
