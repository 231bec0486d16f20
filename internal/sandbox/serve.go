package sandbox

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// childArgument makes the program a child. Nobody types it.
const childArgument = "sandboxed-reader"

// Bounds on a child beside Options.Memory.
const (
	maxStack     = 64 << 20 // bytes of one goroutine
	childThreads = 2        // that run Go code at once
)

// IsChild reports whether this process was started as a child. The program asks
// first thing, before it reads anything.
func IsChild() bool { return len(os.Args) > 1 && os.Args[1] == childArgument }

// Serve is what a child does instead of everything else: it confines itself and
// then reads units with the readers until its input ends. It gives the exit
// status. What it says goes to standard output in frames.
func Serve(readers map[string]format.Reader) int {
	runtime.GOMAXPROCS(childThreads)
	debug.SetMaxStack(maxStack)
	debug.SetTraceback("none")
	log.SetOutput(io.Discard) // what libraries remark on may hold content of files
	limit := uint64(DefaultMemory)
	if len(os.Args) > 2 {
		if _, err := fmt.Sscanf(os.Args[2], "%d", &limit); err != nil {
			return 2
		}
	}
	debug.SetMemoryLimit(int64(limit / 10 * 6))
	c := &child{in: bufio.NewReaderSize(os.Stdin, 64<<10), out: os.Stdout}
	held, err := confine(limit)
	if err != nil {
		_ = writeFrame(c.out, frameRefused, []byte(err.Error()))
		return 2
	}
	if err := writeFrame(c.out, frameHello, []byte(strings.Join(held, ", "))); err != nil {
		return 2
	}
	for {
		kind, payload, err := readFrame(c.in, func(byte) int { return maxUnit })
		if err != nil || kind != frameRead {
			return 0 // the parent is gone or has no more use for this child
		}
		kind, answer := c.read(readers, payload)
		if err := writeFrame(c.out, kind, answer); err != nil || kind == frameFailure {
			return 0
		}
		if taken() > limit/3 {
			return 0 // the next unit is to have all that it may have
		}
	}
}

// taken is how much memory the process has mapped, in bytes. What was freed
// counts: it does for the limit too.
func taken() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// maxUnit bounds what a parent sends at once, in bytes.
const maxUnit = 512 << 20

// child is the child's end of the pipes.
type child struct {
	in  *bufio.Reader
	out io.Writer
}

// read reads one unit and gives the frame that says what came of it.
func (c *child) read(readers map[string]format.Reader, request []byte) (kind byte, answer []byte) {
	defer func() {
		if p := recover(); p != nil {
			kind, answer = frameFailure, []byte(panicText(p))
		}
	}()
	u, err := decodeUnit(request)
	if err != nil {
		return frameFailure, []byte(err.Error())
	}
	reader, ok := readers[u.Format]
	if !ok {
		return frameFailure, []byte("there is no reader for " + u.Format)
	}
	u.FS = &remoteFS{child: c}
	answer, err = encodeResult(readUnit(reader, u))
	if err != nil {
		return frameFailure, []byte(err.Error())
	}
	return frameResult, answer
}

func readUnit(r format.Reader, u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	return r.Read(context.Background(), u)
}

// panicText names a panic without what a repository may have put into it.
func panicText(p any) string {
	if err, ok := p.(runtime.Error); ok {
		return "its reader failed: " + err.Error()
	}
	return fmt.Sprintf("its reader failed with a %T", p)
}
