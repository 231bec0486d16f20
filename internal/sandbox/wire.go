package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Everything goes over two pipes in frames: four bytes of length, one of kind,
// the payload. The parent asks with frameRead; until the child answers with
// frameResult or frameFailure it may ask for files, and each such question is
// answered by one frameAnswer.
const (
	frameHello   = 'h' // child: it has confined itself
	frameRefused = 'x' // child: it cannot confine itself; why
	frameRead    = 'r' // parent: read a unit
	frameOpen    = 'o' // child: give a file
	frameStat    = 's' // child: say what there is under a name
	frameSize    = 'z' // child: say how large a file is
	frameList    = 'd' // child: list a folder
	frameAsk     = 'n' // child: these files will be read soon
	frameAnswer  = 'a' // parent: what was asked for
	frameResult  = 'R' // child: the unit as it was read
	frameFailure = 'E' // child: why the unit could not be read
)

// maxQuestion bounds what a child says but for results, in bytes.
const maxQuestion = 256 << 10

var errTooLong = errors.New("a frame is too long")

// writeFrame sends one frame. head is the scratch space of the writer.
func writeFrame(w io.Writer, kind byte, payload []byte) error {
	if len(payload) > math.MaxInt32 {
		return errTooLong
	}
	var head [5]byte
	binary.LittleEndian.PutUint32(head[:4], uint32(len(payload)))
	head[4] = kind
	if len(payload) < 4096 { // one write where it is cheap
		_, err := w.Write(append(head[:], payload...))
		return err
	}
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	_, err := w.Write(payload)
	return err
}

// readFrame receives one frame. Memory grows with what arrives, not with what
// is promised.
func readFrame(r io.Reader, limit func(kind byte) int) (kind byte, payload []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := int(binary.LittleEndian.Uint32(head[:4]))
	if n > limit(head[4]) {
		return head[4], nil, errTooLong
	}
	for len(payload) < n {
		step := min(n-len(payload), max(64<<10, len(payload)))
		at := len(payload)
		payload = append(payload, make([]byte, step)...)
		if _, err := io.ReadFull(r, payload[at:]); err != nil {
			return head[4], nil, err
		}
	}
	return head[4], payload, nil
}

// writer appends values to a payload.
type writer struct{ b []byte }

func (w *writer) uint(n uint64)    { w.b = binary.AppendUvarint(w.b, n) }
func (w *writer) int(n int64)      { w.b = binary.AppendVarint(w.b, n) }
func (w *writer) byte(c byte)      { w.b = append(w.b, c) }
func (w *writer) str(s string)     { w.uint(uint64(len(s))); w.b = append(w.b, s...) }
func (w *writer) bytes(s []byte)   { w.uint(uint64(len(s))); w.b = append(w.b, s...) }
func (w *writer) float(f float64)  { w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(f)) }
func (w *writer) strs(ss []string) { w.uint(uint64(len(ss))); w.each(ss) }
func (w *writer) bool(b bool) {
	if b {
		w.byte(1)
	} else {
		w.byte(0)
	}
}
func (w *writer) each(ss []string) {
	for _, s := range ss {
		w.str(s)
	}
}

var errShort = errors.New("the answer cannot be understood")

// reader takes values off a payload. The first error stays; from then on every
// value is the zero one.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = errShort
	}
	r.b = nil
}

func (r *reader) uint() uint64 {
	n, k := binary.Uvarint(r.b)
	if k <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[k:]
	return n
}

func (r *reader) int() int64 {
	n, k := binary.Varint(r.b)
	if k <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[k:]
	return n
}

// count gives a number of things that follow, each of which takes a byte at
// least.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) bytes() []byte {
	n := r.count()
	s := r.b[:n]
	r.b = r.b[n:]
	return s
}

func (r *reader) str() string { return string(r.bytes()) }

func (r *reader) strs() []string {
	n := r.count()
	if n == 0 {
		return nil
	}
	out := make([]string, 0, n)
	for range n {
		out = append(out, r.str())
	}
	return out
}

func (r *reader) float() float64 {
	if len(r.b) < 8 {
		r.fail()
		return 0
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64(r.b))
	r.b = r.b[8:]
	return f
}

func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		return fmt.Errorf("%w: %d bytes are left over", errShort, len(r.b))
	}
	return r.err
}
