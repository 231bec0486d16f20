package format_test

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/format"
)

func TestOverlay(t *testing.T) {
	below := fstest.MapFS{"a/kept": {Data: []byte("kept")}, "a/changed": {Data: []byte("before")}}
	o := format.Overlay{FS: below, Files: map[string][]byte{"a/changed": []byte("after"), "a/added": []byte("new")}}
	for name, want := range map[string]string{"a/kept": "kept", "a/changed": "after", "a/added": "new"} {
		data, err := fs.ReadFile(o, name)
		if err != nil || string(data) != want {
			t.Errorf("%s: %q (%v), want %q", name, data, err, want)
		}
		info, err := fs.Stat(o, name)
		if err != nil || info.Size() != int64(len(want)) || info.IsDir() || info.Name() != name[2:] {
			t.Errorf("%s: %v (%v)", name, info, err)
		}
		f, err := o.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		read := make([]byte, len(want))
		if n, err := f.Read(read); n != len(want) || err != nil || string(read) != want {
			t.Errorf("%s: read %q (%v)", name, read[:n], err)
		}
	}
	if entries, err := fs.ReadDir(o, "a"); len(entries) != 2 || err != nil {
		t.Errorf("listed %v (%v)", entries, err)
	}
	alone := format.Overlay{Files: o.Files}
	if _, err := fs.ReadFile(alone, "a/added"); err != nil {
		t.Error(err)
	}
	_, opened := alone.Open("a/kept")
	_, read := fs.ReadFile(alone, "a/kept")
	_, stat := fs.Stat(alone, "a/kept")
	_, listed := fs.ReadDir(alone, "a")
	for _, err := range []error{opened, read, stat, listed} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v, want that it does not exist", err)
		}
	}
}
