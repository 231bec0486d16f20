// Package bootstrap reads what nodes are made with: cloud-init, scripts of user
// data and templates of Packer, in files of their own and within the resources
// of other formats.
//
// The resources are of the platform node-bootstrap and of these kinds:
//
//	CloudConfig    root: the document of cloud-init, with commands and lines
//	Script         root: interpreter, commands, files, lines
//	RancherConfig  root: configs and lines, of a configuration of k3s or RKE2
//	Packer         root: a source or builder, with its type
//	PackerBuild    root: provisioners, in order, with commands and lines
//
// commands are those of package shell, of the script itself, of the scripts that
// it writes and of the units of systemd that it writes. files are what it writes:
// path, content, permissions, owner. lines are the lines of those files: path,
// text. Manifests among the files (a kubelet's configuration, a static pod) are
// Kubernetes resources besides.
package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/packer"
	"github.com/plimsoll-iac/plimsoll/internal/format/shell"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Name is the reader's name, as it stands in Resource.Format and Unit.Format.
const Name = resource.NodeBootstrap

// The kinds of the resources.
const (
	KindCloudConfig = "CloudConfig"
	KindScript      = "Script"
	// KindRancherConfig is a configuration of k3s or RKE2.
	KindRancherConfig = "RancherConfig"
)

// Reader reads files of cloud-init, user data and Packer. It is safe for
// concurrent use.
type Reader struct{ packer format.Reader }

// New makes a reader.
func New() *Reader { return &Reader{packer: packer.New(build)} }

var _ format.Reader = (*Reader)(nil)

// Read implements format.Reader. A unit is one file, or the files of a folder
// that Packer takes for one template.
func (r *Reader) Read(ctx context.Context, u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	if len(u.Files) > 0 && packer.IsTemplate(u.Files[0]) {
		return r.packer.Read(ctx, u)
	}
	if u.MaxFileSize <= 0 {
		u.MaxFileSize = format.DefaultMaxFileSize
	}
	x := newExpansion(ctx, u)
	x.required = true
	for _, name := range u.Files {
		if err := ctx.Err(); err != nil {
			x.fail(name, 0, "the reading was cancelled")
			continue
		}
		data, err := load(u.FS, name, u.MaxFileSize)
		if err != nil {
			x.fail(name, 0, "the file cannot be read: %v", err)
			continue
		}
		f := source.NewFile(name, data)
		x.opened[name] = f
		x.userData(shell.Text{S: string(data), At: func(a, b int) source.Range { return f.Range(a, b) }}, place{
			id: "user-data/" + name, name: path.Base(name), file: name,
		})
	}
	x.ds.Sort()
	return x.out, x.ds
}

// build says what the texts of a build of Packer do.
func build(ctx context.Context, u format.Unit, res *resource.Resource, texts []packer.Text) ([]*resource.Resource, source.Diagnostics) {
	x := newExpansion(ctx, u)
	x.parent = res
	b := &builder{x: x, id: res.ID}
	for _, t := range texts {
		x.why = t.Why
		if t.Path != nil {
			b.content(t.Path, t.Text)
			continue
		}
		_ = b.script(t.Text) // what is no shell is left alone
	}
	b.finish(res.Root)
	b.manifests()
	return x.out, x.ds
}

func load(fsys fs.FS, name string, limit int64) ([]byte, error) {
	h, err := fsys.Open(name)
	if err != nil {
		return nil, reason(err)
	}
	defer h.Close()
	data, err := io.ReadAll(io.LimitReader(h, limit+1))
	switch {
	case err != nil:
		return nil, reason(err)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("it is larger than %d bytes", limit)
	case strings.IndexByte(string(data), 0) >= 0:
		return nil, errors.New("it is not text")
	}
	return data, nil
}

// reason drops the path, which the diagnostic names already.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
