package gitrepo_test

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/gitrepo"
)

// line is a packet line.
func line(s string) string { return fmt.Sprintf("%04x%s", len(s)+4, s) }

// peek reads the body of a request and puts it back.
func peek(t *testing.T, r *http.Request) string {
	t.Helper()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	return string(data)
}

// answer puts a pack into the answer to a fetch.
func answer(pack []byte) string {
	var b strings.Builder
	b.WriteString(line("packfile\n"))
	for len(pack) > 0 {
		n := min(len(pack), 60_000)
		b.WriteString(line("\x01" + string(pack[:n])))
		pack = pack[n:]
	}
	b.WriteString("0000")
	return b.String()
}

// packOf makes a pack of objects whose headers say what they are given.
type lie struct {
	kind   byte
	length int
	extra  []byte // between header and content: the base of a delta
	data   []byte
}

func packOf(count int, objects ...lie) []byte {
	var b bytes.Buffer
	b.WriteString("PACK")
	for _, v := range []uint32{2, uint32(count)} {
		if err := binary.Write(&b, binary.BigEndian, v); err != nil {
			panic(err)
		}
	}
	for _, o := range objects {
		n := o.length
		c := o.kind<<4 | byte(n&15)
		for n >>= 4; n > 0; n >>= 7 {
			b.WriteByte(c | 0x80)
			c = byte(n & 0x7f)
		}
		b.WriteByte(c)
		b.Write(o.extra)
		z := zlib.NewWriter(&b)
		if _, err := z.Write(o.data); err != nil {
			panic(err)
		}
		if err := z.Close(); err != nil {
			panic(err)
		}
	}
	sum := sha1.Sum(b.Bytes())
	return append(b.Bytes(), sum[:]...)
}

const (
	advertisement = "000eversion 2\n"
	offer         = "fetch=shallow filter\n"
)

func TestHostileServers(t *testing.T) {
	base, head := strings.Repeat("1", 40), strings.Repeat("2", 40)
	good := advertisement + line(offer) + "0000"
	commit := []byte("tree " + strings.Repeat("3", 40) + "\n\n")
	bomb := make([]byte, 20<<20)
	var other atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { other.Add(1) }))
	defer elsewhere.Close()
	delta := func(size uint64, ops ...byte) []byte {
		d := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(commit))), size)
		return append(d, ops...)
	}
	for what, tt := range map[string]struct {
		info, result string
		serve        func(http.ResponseWriter, *http.Request) bool
		tooLarge     bool
	}{
		"not packet lines":    {info: "<html>hello</html>"},
		"empty advertisement": {info: ""},
		"short advertisement": {info: advertisement},
		"endless capabilities": {serve: func(w http.ResponseWriter, r *http.Request) bool {
			return pour(w, r, "application/x-git-upload-pack-advertisement", advertisement, line("x=y\n"))
		}},
		"SHA-256":            {info: advertisement + line("object-format=sha256\n") + "0000"},
		"wrong content type": {serve: func(w http.ResponseWriter, r *http.Request) bool { fmt.Fprint(w, good); return true }},
		"server error":       {serve: func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(502); return true }},
		"redirect elsewhere": {serve: func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, 302)
			return true
		}},
		"redirect loop": {serve: func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, r.URL.String(), 302)
			return true
		}},
		"empty result":        {info: good},
		"no pack":             {info: good, result: "0000"},
		"error line":          {info: good, result: line("ERR no\x1b[31m\n" + strings.Repeat("x", 1000))},
		"error in the band":   {info: good, result: line("packfile\n") + line("\x03fatal: no") + "0000"},
		"unknown band":        {info: good, result: line("packfile\n") + line("\x07what") + "0000"},
		"length 3":            {info: good, result: "0003"},
		"overlong line":       {info: good, result: "ffff" + strings.Repeat("x", 70_000)},
		"truncated pack":      {info: good, result: answer(packOf(2, lie{1, len(commit), nil, commit})[:30])},
		"pack cut off":        {info: good, result: answer(packOf(2, lie{1, len(commit), nil, commit}))[:60]},
		"fewer objects":       {info: good, result: answer(packOf(2, lie{1, len(commit), nil, commit}))},
		"other objects":       {info: good, result: answer(packOf(1, lie{1, len(commit), nil, commit}))},
		"wrong checksum":      {info: good, result: answer(append(packOf(1, lie{1, len(commit), nil, commit})[:40], make([]byte, 20)...))},
		"not a pack":          {info: good, result: answer([]byte("hello, this is no pack at all"))},
		"shorter than told":   {info: good, result: answer(packOf(1, lie{1, 500, nil, commit}))},
		"longer than told":    {info: good, result: answer(packOf(1, lie{1, 5, nil, commit}))},
		"unknown type":        {info: good, result: answer(packOf(1, lie{5, len(commit), nil, commit}))},
		"a billion objects":   {info: good, result: answer(packOf(1 << 30)), tooLarge: true},
		"bomb":                {info: good, result: answer(packOf(1, lie{3, len(bomb), nil, bomb})), tooLarge: true},
		"length overflow":     {info: good, result: answer(append([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x01"), bytes.Repeat([]byte{0xff}, 40)...))},
		"delta of itself":     {info: good, result: answer(packOf(1, lie{6, 9, []byte{0}, delta(5, 5, 'a', 'b', 'c', 'd', 'e')}))},
		"delta of the future": {info: good, result: answer(packOf(1, lie{6, 9, []byte{0x7f}, delta(5, 5, 'a', 'b', 'c', 'd', 'e')}))},
		"delta of nothing":    {info: good, result: answer(packOf(1, lie{7, 8, bytes.Repeat([]byte{9}, 20), delta(5, 5, 'a', 'b', 'c', 'd', 'e')[:8]}))},
		"delta to a terabyte": {info: good, result: answer(packOf(2, lie{1, len(commit), nil, commit}, lie{6, len(delta(1 << 40)), []byte{byte(len(compressed(commit)) + 2)}, delta(1 << 40)}))},
		"endless pack": {info: good, serve: func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPost && pour(w, r, "application/x-git-upload-pack-result", line("packfile\n"), line("\x01"+strings.Repeat("PACK\x00\x00\x00\x02\x00\x00\x00\x01", 1000)))
		}},
		"endless progress": {info: good, tooLarge: true, serve: func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPost && pour(w, r, "application/x-git-upload-pack-result", line("packfile\n"), line("\x02"+strings.Repeat("please wait ", 1000)))
		}},
		"endless sections": {info: good, serve: func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPost && pour(w, r, "application/x-git-upload-pack-result", "", line("shallow x\n"))
		}},
	} {
		t.Run(what, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if tt.serve != nil && tt.serve(w, r) {
					return
				}
				if r.Method == http.MethodGet {
					w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
					fmt.Fprint(w, tt.info)
					return
				}
				w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
				fmt.Fprint(w, tt.result)
			}))
			defer server.Close()
			remote := gitrepo.NewRemote(gitrepo.Options{
				CacheDir: t.TempDir(), AllowedHost: strings.TrimPrefix(server.URL, "http://"),
				MaxPackBytes: 1 << 20, MaxInflated: 10 << 20,
			})
			_, err := remote.Open(t.Context(), gitrepo.Request{URL: server.URL + "/r.git", Base: base, Head: head})
			if err == nil {
				t.Fatal("no error")
			}
			if len(err.Error()) > 500 || strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("the error is not fit to be shown: %q", err)
			}
			if tt.tooLarge && !errors.Is(err, gitrepo.ErrTooLarge) {
				t.Errorf("got %v", err)
			}
		})
	}
	if other.Load() != 0 {
		t.Error("the other host was asked")
	}
}

func compressed(data []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		panic(err)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// pour writes without end, until the client has had enough.
func pour(w http.ResponseWriter, r *http.Request, kind, first, again string) bool {
	w.Header().Set("Content-Type", kind)
	fmt.Fprint(w, first)
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, again); err != nil {
			break
		}
	}
	return true
}

// TestCapabilitiesOnce asks a host once, whatever the repository.
func TestCapabilitiesOnce(t *testing.T) {
	s := newServed(t, true, nil)
	remote := gitrepo.NewRemote(gitrepo.Options{AllowedHost: s.server.host()})
	for range 3 {
		if _, err := remote.Open(t.Context(), s.request()); err != nil {
			t.Fatal(err)
		}
	}
	asked := 0
	for _, r := range s.server.requests {
		if strings.HasPrefix(r, "GET ") {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times: %v", asked, s.server.requests)
	}
}

// TestTransientErrors has a server that fails now and then.
func TestTransientErrors(t *testing.T) {
	var n atomic.Int32
	s := newServed(t, true, func(w http.ResponseWriter, _ *http.Request) bool {
		if n.Add(1)%3 == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	})
	trees, err := gitrepo.NewRemote(s.options(t)).Open(t.Context(), s.request())
	if err != nil {
		t.Fatal(err)
	}
	check(t, "changes", changes(t, trees), wantChanges)
}
