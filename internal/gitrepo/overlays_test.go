package gitrepo_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/gitrepo"
	"github.com/plimsoll-iac/plimsoll/internal/project"
)

// TestOverlaysAreFoundLazily: to find the overlays over a changed base, folders
// and kustomization files are fetched, a level in one request, however many
// other files there are.
func TestOverlaysAreFoundLazily(t *testing.T) {
	const teams, others = 60, 15
	received := map[int]int64{}
	for _, size := range []int{100, 5_000} { // of the other files, in bytes
		r := newRepo(t)
		for team := range teams {
			dir := fmt.Sprintf("teams/t%02d/", team)
			for i := range others {
				r.write(fmt.Sprintf("%ssrc/f%d.yaml", dir, i), fmt.Sprintf("# %d %d\n", team, i)+long(strings.Repeat("x", size/100)))
			}
			r.write(dir+"base/kustomization.yaml", "resources: [pod.yaml]\n")
			r.write(dir+"base/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n")
			r.write(dir+"overlays/prod/kustomization.yaml", fmt.Sprintf("namespace: t%d\nresources: [../../base]\n", team))
		}
		base := r.commit("README.md", "x\n")
		r.git("checkout", "-q", "-b", "topic")
		head := r.commit("teams/t07/base/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: true}\n")
		bare := filepath.Join(t.TempDir(), "repo.git")
		gitIn(t, r.dir, r.home, "clone", "-q", "--bare", r.dir, bare)
		gitIn(t, bare, r.home, "config", "uploadpack.allowFilter", "true")
		gitIn(t, bare, r.home, "config", "uploadpack.allowAnySHA1InWant", "true")
		server := serve(t, bare, nil)
		s := &served{repo: r, server: server, base: base, head: head}
		trees, err := gitrepo.NewRemote(s.options(t)).Open(t.Context(), s.request())
		if err != nil {
			t.Fatal(err)
		}
		changes, err := trees.Changes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		compared := trees.Stats()
		_, h, ds := project.New(project.Options{}).Reached(t.Context(), trees.Base(), trees.Head(), changes, nil)
		if len(h) != 1 || h[0].ID != "kustomize:teams/t07/overlays/prod" || len(ds) > 0 {
			t.Fatalf("reached %v, %v", h, ds)
		}
		st := trees.Stats()
		// The levels around the base, and the kustomizations of each.
		if n := st.Requests - compared.Requests; n > 12 {
			t.Errorf("%d requests for the search", n)
		}
		received[size] = st.Received - compared.Received
		t.Logf("%d teams, other files of %d bytes: %d requests, %d bytes", teams, size, st.Requests-compared.Requests, received[size])
	}
	if received[5_000] > received[100]+received[100]/4 {
		t.Errorf("the search costs %d bytes beside small files and %d beside large ones", received[100], received[5_000])
	}
}
