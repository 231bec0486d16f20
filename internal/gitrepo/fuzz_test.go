package gitrepo

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

var fuzzLimits = packLimits{objects: 100, blob: 1 << 16, tree: 1 << 16, inflated: 1 << 18}

func FuzzAdvertisement(f *testing.F) {
	f.Add([]byte("000eversion 2\n0015agent=git/2.39.5\n0019fetch=shallow filter\n0000"))
	f.Add([]byte("001e# service=git-upload-pack\n0000000eversion 2\n0000"))
	f.Add([]byte("0008ERR "))
	f.Add([]byte("ffff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		caps, err := parseAdvertisement(bytes.NewReader(data))
		if err == nil && caps.filter && !caps.v2 {
			t.Error("filters without version 2")
		}
		_, _, _ = parseRef(bytes.NewReader(data), "refs/heads/main")
	})
}

func FuzzFetchAnswer(f *testing.F) {
	f.Add([]byte("000dpackfile\n0025\x01PACK\x00\x00\x00\x02\x00\x00\x00\x00\x02\x9d\x08\x82\x3b\xd8\xa8\xea\xb5\x10\xad\x6a\xc7\x5c\x82\x3c\xfd\x3e\xd3\x1e0000"))
	f.Add([]byte("0011shallow-info\n0001000dpackfile\n000a\x02wait\n0009\x03nope"))
	f.Add([]byte("000dpackfile\n0000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		stream, err := packStream(bytes.NewReader(data))
		if err != nil {
			return
		}
		p, err := readPack(stream, fuzzLimits)
		if err != nil {
			return
		}
		for h, o := range p.objects {
			if o.hash() != h {
				t.Errorf("an object of another hash: %s", h)
			}
		}
	})
}

func FuzzPack(f *testing.F) {
	f.Add([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x00"))
	f.Add(deltaPack())
	f.Add([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x01\x33x\x9c\x4b\x4c\x4a\x06\x00\x02\x4d\x01\x27"))
	f.Add([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x02\x33x\x9c\x4b\x4c\x4a\x06\x00\x02\x4d\x01\x27\x62\x0bx\x9c\x03\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		// With its checksum, or hardly any input would get as far as its deltas.
		sum := sha1.Sum(data)
		p, err := readPack(bytes.NewReader(append(data[:len(data):len(data)], sum[:]...)), fuzzLimits)
		if err != nil {
			return
		}
		total := 0
		for _, o := range p.objects {
			total += len(o.data)
		}
		if int64(total) > fuzzLimits.inflated {
			t.Errorf("%d bytes came through", total)
		}
	})
}

// deltaPack is a pack of a blob and two deltas to it, without its checksum.
func deltaPack() []byte {
	deflate := func(b *bytes.Buffer, s string) {
		z := zlib.NewWriter(b)
		_, _ = z.Write([]byte(s)) // a bytes.Buffer takes all
		_ = z.Close()
	}
	var b bytes.Buffer
	b.WriteString("PACK\x00\x00\x00\x02\x00\x00\x00\x03")
	at := b.Len()
	b.WriteByte(3<<4 | 5)
	deflate(&b, "hello")
	offset := b.Len() - at
	b.Write([]byte{6<<4 | 6, byte(offset)})
	deflate(&b, "\x05\x06\x90\x05\x01!") // copy five bytes, insert one
	h := object{plumbing.BlobObject, []byte("hello!")}.hash()
	b.WriteByte(7<<4 | 6)
	b.Write(h[:])
	deflate(&b, "\x06\x07\x90\x06\x01!")
	return b.Bytes()
}

func TestDeltas(t *testing.T) {
	data := deltaPack()
	sum := sha1.Sum(data)
	p, err := readPack(bytes.NewReader(append(data, sum[:]...)), fuzzLimits)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"hello", "hello!", "hello!!"} {
		o := object{plumbing.BlobObject, []byte(want)}
		if got := p.objects[o.hash()]; string(got.data) != want {
			t.Errorf("%q is missing", want)
		}
	}
}

func FuzzTree(f *testing.F) {
	hash := strings.Repeat("h", 20)
	f.Add([]byte("100644 a\x00" + hash + "40000 b\x00" + hash + "120000 l\x00" + hash + "160000 s\x00" + hash))
	f.Add([]byte("100644 ../x\x00" + hash))
	f.Add([]byte("100644 a\x00short"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := parseTree(data)
		if err != nil {
			return
		}
		for i, e := range entries {
			if !fs.ValidPath(e.name) || strings.Contains(e.name, "/") || e.name == "." {
				t.Errorf("the name %q", e.name)
			}
			if i > 0 && entries[i-1].name >= e.name {
				t.Errorf("%q stands before %q", entries[i-1].name, e.name)
			}
			if got, ok := find(entries, e.name); !ok || got != e {
				t.Errorf("%q is not found", e.name)
			}
		}
		_, _ = parseCommit(data)
	})
}

func FuzzIndex(f *testing.F) {
	entry := strings.Repeat("\x00", 60)
	f.Add([]byte("DIRC\x00\x00\x00\x02\x00\x00\x00\x01" + entry + "\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 20)))
	f.Add([]byte("DIRC\x00\x00\x00\x04\x00\x00\x00\x02" + entry + "\x00\x01\x00a\x00" + entry + "\x00\x01\x01b\x00" + strings.Repeat("\x00", 20)))
	f.Add([]byte("DIRC\x00\x00\x00\x02\x00\x00\x00\x00TREE\x00\x00\x00\x19\x001 0\n" + strings.Repeat("h", 20) + strings.Repeat("\x00", 20)))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = append(data[:len(data):len(data)], make([]byte, 20)...) // as with index.skipHash
		x, err := decodeIndex(data)
		if err != nil && !errors.Is(err, errIndex) {
			t.Errorf("an unexpected error: %v", err)
		}
		if err == nil && len(x.entries)*entryHeader > len(data) {
			t.Errorf("%d entries in %d bytes", len(x.entries), len(data))
		}
	})
}

func FuzzIgnore(f *testing.F) {
	f.Add([]byte("*.log\n!keep.log\n/out/\na/**/b\n[!x]\n\\#\n"), "a/x/b")
	f.Add([]byte("\xef\xbb\xbf**\n"), "ü/a")
	f.Fuzz(func(_ *testing.T, rules []byte, name string) {
		s := &ignoreScope{above: &ignoreScope{rules: parseIgnore(rules)}, dir: "a", rules: parseIgnore(rules)}
		s.ignored(name, true)
		s.ignored("a/"+name, false)
	})
}

func TestParseCommit(t *testing.T) {
	tree, parent := strings.Repeat("a", 40), strings.Repeat("b", 40)
	c, err := parseCommit([]byte("tree " + tree + "\nparent " + parent + "\nparent " + tree + "\nauthor x <y> 1 +0000\ncommitter A B <c> 1700000000 +0100\ngpgsig -----\n tree " + parent + "\n\ntree " + parent + "\n"))
	if err != nil || c.tree != plumbing.NewHash(tree) || len(c.parents) != 2 || c.when != 1700000000 {
		t.Errorf("%+v, %v", c, err)
	}
	for _, text := range []string{"", "tree x\n\n", "parent " + tree + "\n\n", "\n"} {
		if _, err := parseCommit([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func BenchmarkDecodeIndex(b *testing.B) {
	var buf bytes.Buffer
	buf.WriteString("DIRC\x00\x00\x00\x02\x00\x00\xc3\x50")
	for range 50_000 {
		buf.WriteString(strings.Repeat("\x01", 60) + "\x00\x20" + "teams/team-001/service-01/k8s/fi" + "\x00\x00")
	}
	buf.Write(make([]byte, 20))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeIndex(buf.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadTree(b *testing.B) {
	var buf bytes.Buffer
	for i := range 2000 {
		buf.WriteString("100644 file-" + strings.Repeat("x", i%20) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676)) + ".yaml\x00" + strings.Repeat("h", 20))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseTree(buf.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
}
