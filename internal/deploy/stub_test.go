package deploy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/moby/moby/api/types/container"

	"github.com/aweigh/aweigh/internal/docker"
)

// stub is as much of an engine as the way back needs.
type stub struct {
	mu         sync.Mutex
	containers []docker.Twin
	images     map[string]string // ids by name
	lost       int               // requests that get no answer, from the next start on
	losing     bool
	made       int
	asked      []string // commands that were to be run in containers, which get no answer
}

// engineWith is an engine that has these containers, and images by name.
func engineWith(t *testing.T, images map[string]string, all ...docker.Twin) (*docker.Engine, *stub) {
	t.Helper()
	s := &stub{images: images, containers: all}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	e, err := docker.Open("tcp://" + server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e, s
}

// box is a container of shop that was made of an image, and named like its service.
func box(id, service, image, imageID, status string) docker.Twin {
	return docker.Twin{ID: id, Name: "shop_" + service + "_1", Service: service, Project: "shop", Image: image, ImageID: imageID, Status: status, Host: &container.HostConfig{},
		Config: &container.Config{Image: image, Labels: map[string]string{"com.docker.compose.project": "shop", "com.docker.compose.service": service, "com.docker.compose.project.working_dir": "/srv/shop"}}}
}

// commands are those that were to be run in containers.
func (s *stub) commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// has says what there is: names, images and states, in the order of names.
func (s *stub) has() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, c := range s.containers {
		all = append(all, fmt.Sprintf("%s %s %s", c.Name, c.ImageID, c.Status))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func (s *stub) find(id string) int {
	return slices.IndexFunc(s.containers, func(c docker.Twin) bool { return c.ID == id || c.Name == id })
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, what, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	dir, last := path.Split(what)
	id := path.Base(dir)
	s.losing = s.losing || last == "start"
	if s.losing && s.lost > 0 {
		s.lost--
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Api-Version", "1.41")
	none := func() { http.Error(w, `{"message": "No such object"}`, http.StatusNotFound) }
	switch {
	case strings.HasSuffix(r.URL.Path, "/_ping"), what == "":
	case what == "containers/json":
		list := []container.Summary{}
		for _, c := range s.containers {
			list = append(list, container.Summary{ID: c.ID})
		}
		json.NewEncoder(w).Encode(list)
	case what == "containers/create":
		var made struct {
			container.Config
			HostConfig *container.HostConfig
		}
		json.NewDecoder(r.Body).Decode(&made)
		imageID := s.images[made.Image]
		if imageID == "" {
			none()
			return
		}
		for _, from := range made.HostConfig.VolumesFrom {
			if id, _, _ := strings.Cut(from, ":"); s.find(id) < 0 {
				none()
				return
			}
		}
		s.made++
		c := box(fmt.Sprintf("made-%d", s.made), made.Labels["com.docker.compose.service"], made.Image, imageID, "created")
		c.Name, c.Host = r.FormValue("name"), made.HostConfig
		s.containers = append(s.containers, c)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"Id": %q}`, c.ID)
	case strings.HasPrefix(what, "containers/"):
		if r.Method == http.MethodDelete {
			id = last
		}
		n := s.find(id)
		if n < 0 {
			none()
			return
		}
		c := &s.containers[n]
		switch last {
		case "json":
			json.NewEncoder(w).Encode(map[string]any{"Id": c.ID, "Name": "/" + c.Name, "Image": c.ImageID, "Config": c.Config, "HostConfig": c.Host, "State": map[string]string{"Status": c.Status, "StartedAt": "2026-01-02T03:04:05Z"}})
		case "start":
			if c.Status == "paused" {
				http.Error(w, `{"message": "cannot start a paused container, try unpause instead"}`, http.StatusConflict)
				return
			}
			c.Status = "running"
		case "stop":
			c.Status = "exited"
		case "rename":
			c.Name = r.FormValue("name")
		case "logs":
		case "exec":
			var asked struct{ Cmd []string }
			json.NewDecoder(r.Body).Decode(&asked)
			s.asked = append(s.asked, strings.Join(asked.Cmd, " "))
			panic(http.ErrAbortHandler)
		default:
			s.containers = slices.Delete(s.containers, n, n+1)
		}
	case strings.HasPrefix(what, "images/"):
		name, _ := url.PathUnescape(strings.TrimSuffix(strings.TrimPrefix(what, "images/"), "/"+last))
		imageID := s.images[name]
		for _, has := range s.images {
			if has == name {
				imageID = has
			}
		}
		switch {
		case imageID == "":
			none()
		case last == "json":
			fmt.Fprintf(w, `{"Id": %q}`, imageID)
		case last == "tag":
			s.images[r.FormValue("repo")+":"+r.FormValue("tag")] = imageID
			w.WriteHeader(http.StatusCreated)
		}
	case what == "networks":
		fmt.Fprint(w, "[]")
	case what == "volumes":
		fmt.Fprint(w, "{}")
	}
}
