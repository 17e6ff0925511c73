package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aweigh/aweigh"
)

var floatingTag = Rule{
	ID: "floating-tag", Severity: aweigh.Warning, Title: "the image has a tag that moves",
	Why:   "The next pull brings something else, and nobody can say what ran before: there is no way back.",
	Fix:   "Name a version, or better a digest: image: NAME:1.2.3@sha256:….",
	check: each(checkFloatingTag),
}

// moving are tags that are made to be given to something else.
var moving = []string{"latest", "stable", "edge", "main", "master", "nightly", "dev", "develop", "development", "rolling", "current", "lts", "mainline", "alpine", "slim", "prod", "production", "staging"}

func checkFloatingTag(s *service) []Finding {
	if s.Image == "" {
		return nil
	}
	why := floating(s.Image)
	if why == "" {
		return nil
	}
	f := s.found(fmt.Sprintf("image %s %s", quote(s.Image), why), "image")
	built := func(other *service) bool { return other.Build != nil && other.Image == s.Image }
	if slices.ContainsFunc(s.p.services, built) { // it is built here, and named so
		f.Severity = aweigh.Info
	}
	return []Finding{f}
}

// floating says why an image's name does not name one image; "" if it may.
func floating(ref string) string {
	if strings.Contains(ref, "@") || strings.Contains(ref, "$") {
		return ""
	}
	name := ref[strings.LastIndexByte(ref, '/')+1:]
	_, tag, ok := strings.Cut(name, ":")
	switch {
	case !ok || tag == "":
		return "has no tag, which means latest"
	case slices.Contains(moving, strings.ToLower(tag)):
		return "has a tag that moves"
	}
	return ""
}

var floatingBase = Rule{
	ID: "floating-base", Severity: aweigh.Info, Title: "the Dockerfile builds on an image whose tag moves",
	Why:   "The same sources make another image next week.",
	Fix:   "Name a version, or better a digest, in FROM.",
	check: each(checkFloatingBase),
}

func checkFloatingBase(s *service) (all []Finding) {
	if s.dockerfile == nil {
		return nil
	}
	if base := s.built.Base; base != "scratch" && s.Build.AdditionalContexts[base] == "" {
		if why := floating(base); why != "" {
			all = append(all, s.inDockerfile(fmt.Sprintf("the base image %s %s", quote(base), why), s.built.BaseLine))
		}
	}
	return all
}
