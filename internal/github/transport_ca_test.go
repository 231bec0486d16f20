package github

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOwnCAIsTrustedBesideTheSystems(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer srv.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, trusted := range map[string]bool{"": false, ca: true} {
		transport, err := NewTransport(file)
		if err != nil {
			t.Fatal(err)
		}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get(srv.URL)
		if err == nil {
			resp.Body.Close()
		}
		if (err == nil) != trusted {
			t.Errorf("with %q: %v", file, err)
		}
		if transport.Proxy == nil {
			t.Error("proxies of the environment are not used")
		}
	}
	if err := os.WriteFile(ca, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewTransport(ca); err == nil || !strings.Contains(err.Error(), "holds no certificate") {
		t.Errorf("error %v", err)
	}
}
