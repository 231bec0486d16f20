package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/plimsoll-iac/plimsoll/internal/sandbox"
)

// readApart is what a child process does instead of everything else. It gives the
// exit status.
func readApart() int {
	if err := cutOff(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	return sandbox.Serve(childReaders())
}

// cutOff takes the network and other programs from the libraries that readers
// stand on: some fetch what a repository names, by HTTP or by git. Where the
// system has a filter for that, the child puts it on as well.
func cutOff() error {
	http.DefaultTransport = noNetwork{}
	os.Clearenv()
	return os.Setenv("PATH", "")
}

type noNetwork struct{}

var errNoNetwork = errors.New("a reader has no network")

func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) { return nil, errNoNetwork }
