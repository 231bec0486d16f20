package rule

import "strings"

// Image is a reference to a container image, taken apart as container runtimes
// do it.
type Image struct {
	Registry   string // docker.io where the reference names none
	Repository string // library/nginx for nginx
	Tag        string // "" where the reference has none
	Digest     string // sha256:…, "" where the reference has none
}

// Name is registry and repository without tag and digest.
func (i Image) Name() string {
	if i.Registry == "" {
		return i.Repository
	}
	return i.Registry + "/" + i.Repository
}

// ParseImage takes a reference apart. What is not a reference (empty, or a
// template that was not filled in) gives an Image with nothing but Repository.
func ParseImage(s string) Image {
	s = strings.TrimSpace(s)
	if s == "" || strings.ContainsAny(s, " \t\r\n${}<>\"'") {
		return Image{Repository: s}
	}
	var img Image
	rest := s
	if i := strings.IndexByte(rest, '@'); i >= 0 {
		rest, img.Digest = rest[:i], rest[i+1:]
	}
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') {
		rest, img.Tag = rest[:i], rest[i+1:]
	}
	first, after, slash := strings.Cut(rest, "/")
	switch {
	case slash && (strings.ContainsAny(first, ".:") || first == "localhost" || strings.ToLower(first) != first):
		img.Registry, img.Repository = first, after
	case slash:
		img.Registry, img.Repository = "docker.io", rest
	default:
		img.Registry, img.Repository = "docker.io", "library/"+rest
	}
	if img.Registry == "index.docker.io" || img.Registry == "registry-1.docker.io" {
		img.Registry = "docker.io"
	}
	return img
}
