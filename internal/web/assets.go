package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed assets
var assetFiles embed.FS

var assetTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// assetNames are the files by the name under which they are served, which has
// their content in it: a browser may keep them for ever.
var assetNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	files, _ := assetFiles.ReadDir("assets")
	for _, f := range files {
		b, _ := assetFiles.ReadFile("assets/" + f.Name())
		sum := sha256.Sum256(b)
		ext := path.Ext(f.Name())
		names[strings.TrimSuffix(f.Name(), ext)+"."+hex.EncodeToString(sum[:6])+ext] = f.Name()
	}
	return names
})

func assetPath(file string) string {
	for served, name := range assetNames() {
		if name == file {
			return "/assets/" + served
		}
	}
	panic("web: there is no asset " + file) // a template of ours is wrong
}

func (s *Site) asset(w http.ResponseWriter, r *http.Request) error {
	name, ok := assetNames()[r.PathValue("file")]
	if !ok {
		return errNoPage
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	return sendAsset(w, r, name)
}

// icon is for browsers that ask without having been told.
func (s *Site) icon(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "public, max-age=86400")
	return sendAsset(w, r, "icon.svg")
}

func sendAsset(w http.ResponseWriter, r *http.Request, name string) error {
	b, err := assetFiles.ReadFile("assets/" + name)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", assetTypes[path.Ext(name)])
	w.Header().Add("Vary", "Accept-Encoding")
	return send(w, r, http.StatusOK, b)
}
