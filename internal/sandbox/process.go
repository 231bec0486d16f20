package sandbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/format"
)

// maxComplaint bounds what is kept of a child's standard error, in bytes. A
// crash can print a hundred megabytes; a child that prints more is killed.
const maxComplaint = 64 << 10

// process is one child as its parent sees it. One goroutine uses it at a time.
type process struct {
	opt           *Options
	cmd           *exec.Cmd
	to            *os.File
	from          *os.File
	in            *bufio.Reader
	said          *complaint
	done          chan struct{} // closed when it has ended
	state         *os.ProcessState
	held          string // what confines it; known after the greeting
	ready         bool
	late, stopped atomic.Bool // why it was ended, where it was
	tenant        string
	units         int           // that it has read
	busy          time.Duration // reading them
}

// start starts a child. It does not wait for it to be ready.
func start(opt *Options) (*process, error) {
	theirIn, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	from, theirOut, err := os.Pipe()
	if err != nil {
		theirIn.Close()
		to.Close()
		return nil, err
	}
	p := &process{opt: opt, to: to, from: from, in: bufio.NewReaderSize(from, 64<<10), done: make(chan struct{})}
	// The child outlives the unit that it is started for; kill ends it.
	p.cmd = exec.CommandContext(context.Background(), opt.program(), childArgument, strconv.FormatInt(opt.Memory, 10))
	p.cmd.Args[0] = "plimsoll"
	p.cmd.Env = []string{}
	p.cmd.Dir = string(os.PathSeparator)
	p.cmd.Stdin, p.cmd.Stdout = theirIn, theirOut
	p.said = &complaint{full: func() { _ = p.cmd.Process.Kill() }}
	p.cmd.Stderr = p.said
	p.cmd.WaitDelay = 10 * time.Second
	apart(p.cmd)
	err = p.cmd.Start()
	theirIn.Close()
	theirOut.Close()
	if err != nil {
		to.Close()
		from.Close()
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in the state
		p.state = p.cmd.ProcessState
		close(p.done)
	}()
	return p, nil
}

// kill ends the child and waits until it is gone.
func (p *process) kill() {
	p.to.Close()
	_ = p.cmd.Process.Kill()
	<-p.done
	p.from.Close()
}

// complaint keeps the start of what a child writes to standard error.
type complaint struct {
	mu   sync.Mutex
	b    []byte
	full func()
}

func (c *complaint) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := maxComplaint - len(c.b)
	if len(b) > left {
		c.b = append(c.b, b[:left]...)
		c.full()
		return len(b), nil
	}
	c.b = append(c.b, b...)
	return len(b), nil
}

func (c *complaint) has(s string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Contains(string(c.b), s)
}

var (
	errTimeout = errors.New("too long")
	errStopped = errors.New("stopped")
)

// failure is what a child itself says about a unit that it could not read.
type failure struct{ why string }

func (f failure) Error() string { return f.why }

// refused is what a child says that cannot confine itself.
type refused struct{ why string }

func (r refused) Error() string { return "no reader can be confined here: " + r.why }

// greet waits for the child to be ready.
func (p *process) greet() error {
	if p.ready {
		return nil
	}
	left := startTimeout
	kind, payload, err := p.receive(&left)
	switch {
	case err != nil:
		return err
	case kind == frameRefused:
		return refused{string(payload)}
	case kind != frameHello:
		return errShort
	}
	p.held, p.ready = string(payload), true
	return nil
}

// startTimeout is the longest that a child may take to get ready.
const startTimeout = 30 * time.Second

// within does something with the pipes, in at most the time that is left, and
// takes the time off. A child that is late is ended, which ends the waiting.
func (p *process) within(left *time.Duration, do func() error) error {
	begin := time.Now()
	timer := time.AfterFunc(*left, func() {
		p.late.Store(true)
		_ = p.cmd.Process.Kill()
	})
	err := do()
	timer.Stop()
	*left -= time.Since(begin)
	switch {
	case err == nil:
	case p.stopped.Load():
		err = errStopped
	case p.late.Load():
		err = errTimeout
	}
	return err
}

// receive waits for a frame.
func (p *process) receive(left *time.Duration) (kind byte, payload []byte, err error) {
	err = p.within(left, func() (err error) {
		kind, payload, err = readFrame(p.in, p.limit)
		return err
	})
	return kind, payload, err
}

func (p *process) send(left *time.Duration, kind byte, payload []byte) error {
	return p.within(left, func() error { return writeFrame(p.to, kind, payload) })
}

func (p *process) limit(kind byte) int {
	if kind == frameResult {
		return p.opt.MaxAnswer
	}
	return maxQuestion
}

// read has the child read a unit. The time that files take to come does not
// count. spoke tells whether the child said anything about it.
func (p *process) read(ctx context.Context, u format.Unit) (answer []byte, spoke bool, err error) {
	stop := context.AfterFunc(ctx, func() {
		p.stopped.Store(true)
		_ = p.cmd.Process.Kill()
	})
	defer stop()
	if err := p.greet(); err != nil {
		return nil, false, err
	}
	left, files := p.opt.Timeout, p.opt.MaxFiles
	if err := p.send(&left, frameRead, encodeUnit(u)); err != nil {
		return nil, false, err
	}
	defer func() { p.units, p.busy = p.units+1, p.busy+p.opt.Timeout-left }()
	for {
		kind, payload, err := p.receive(&left)
		if err != nil {
			return nil, spoke, err
		}
		spoke = true
		switch kind {
		case frameResult:
			return payload, true, nil
		case frameFailure:
			return nil, true, failure{clean(string(payload))}
		case frameAsk:
			r := reader{b: payload}
			if a, ok := u.FS.(announcer); ok {
				a.Announce(valid(r.strs())...)
			}
		default:
			var w writer
			if err := p.answer(&w, u, kind, payload, &files); err != nil {
				return nil, true, err
			}
			if err := p.send(&left, frameAnswer, w.b); err != nil {
				return nil, true, err
			}
		}
	}
}

// announcer is project.Announcer, for the trees that have it.
type announcer interface{ Announce(paths ...string) }

func valid(names []string) []string {
	out := names[:0]
	for _, n := range names {
		if fs.ValidPath(n) {
			out = append(out, n)
		}
	}
	return out
}

// errFiles ends a child that asks for more than a unit may hold.
var errFiles = errors.New("files")

// answer answers one question about the tree. files is how many bytes of files
// and folders the unit may still take.
func (p *process) answer(w *writer, u format.Unit, kind byte, payload []byte, files *int64) error {
	r := reader{b: payload}
	name := r.str()
	if err := r.end(); err != nil {
		return err
	}
	w.byte(answerOK)
	var err error
	if !fs.ValidPath(name) {
		err = fs.ErrInvalid
	} else {
		err = p.look(w, u, kind, name)
	}
	if err != nil {
		w.b = w.b[:0]
		if errors.Is(err, fs.ErrNotExist) {
			w.byte(answerNotExist)
		} else {
			w.byte(answerError)
			w.str(clean(reason(err).Error()))
		}
	}
	if *files -= int64(len(w.b)); *files < 0 {
		return errFiles
	}
	return nil
}

func (p *process) look(w *writer, u format.Unit, kind byte, name string) error {
	switch kind {
	case frameOpen:
		return sendFile(w, u, name)
	case frameStat:
		info, err := fs.Stat(u.FS, name)
		if err != nil {
			return err
		}
		w.str(info.Name())
		w.uint(uint64(info.Mode()))
		return nil
	case frameSize:
		info, err := fs.Stat(u.FS, name)
		if err != nil {
			return err
		}
		w.int(info.Size())
		return nil
	case frameList:
		entries, err := fs.ReadDir(u.FS, name)
		if err != nil {
			return err
		}
		w.uint(uint64(len(entries)))
		for _, e := range entries {
			w.str(e.Name())
			w.uint(uint64(e.Type()))
		}
		return nil
	}
	return errShort
}

// sendFile answers with a file, cut where it is larger than a reader may read.
func sendFile(w *writer, u format.Unit, name string) error {
	f, err := u.FS.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	w.str(info.Name())
	w.uint(uint64(info.Mode()))
	if info.IsDir() {
		return nil
	}
	most := u.MaxFileSize
	if most <= 0 {
		most = format.DefaultMaxFileSize
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return err
	}
	size := int64(len(data))
	if size > most {
		size = max(size+1, info.Size())
	}
	w.int(size)
	w.bytes(data)
	return nil
}

// reason leaves the path out of an error: the child knows it.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// clean makes one short line of what came from a child.
func clean(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\ufffd"), func(c rune) bool { return c < ' ' || c == 0x7f }), " ")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "")
	}
	return s
}

// cause ends the child and says in a few words why it gave no answer.
func (p *process) cause(err error) string {
	var f failure
	var r refused
	switch {
	case errors.As(err, &f):
		p.kill()
		return f.why
	case errors.As(err, &r):
		p.kill()
		return r.Error()
	case errors.Is(err, errTimeout):
		p.kill()
		return fmt.Sprintf("it took longer than %s", p.opt.Timeout)
	case errors.Is(err, errStopped):
		p.kill()
		return "the reading was stopped"
	case errors.Is(err, errTooLong):
		p.kill()
		return fmt.Sprintf("it came to more than %d MB", p.opt.MaxAnswer>>20)
	case errors.Is(err, errFiles):
		p.kill()
		return fmt.Sprintf("its files came to more than %d MB", p.opt.MaxFiles>>20)
	case errors.Is(err, errShort):
		p.kill()
		return errShort.Error()
	}
	// It ended by itself: give it the time to say why.
	p.to.Close()
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
	}
	p.kill()
	switch {
	case p.said.has("stack exceeds") || p.said.has("stack overflow"):
		return "it overflowed the stack"
	case p.said.has("out of memory") || p.said.has("cannot allocate memory") || p.said.has(memorySign),
		p.said.has("pthread_create failed"), p.said.has("failed to create new OS thread"),
		// The runtime does not check every page that it asks for; code of our
		// own that touches nothing panics instead, on a goroutine.
		p.said.has("SIGSEGV: segmentation violation") && p.said.has("goroutine 0 "):
		return fmt.Sprintf("it needed more than %d MB", p.opt.Memory>>20)
	case outOfTime(p.state):
		return fmt.Sprintf("it took more than %s of computing time", cpuLimit)
	}
	return fmt.Sprintf("its reader ended (%s)", p.state)
}

// memorySign is what a child prints that watches its memory by itself.
const memorySign = "memory limit reached"

// program gives what to start: this program, even where its file was replaced.
func (o *Options) program() string {
	if runtime.GOOS == "linux" {
		if _, err := os.Stat("/proc/self/exe"); err == nil {
			return "/proc/self/exe"
		}
	}
	name, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return name
}
