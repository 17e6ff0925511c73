package core

import (
	"slices"
	"strings"
)

// index finds what belongs to a service without looking at all that there is:
// the loop asks after every batch what is due next, and on a host that comes up
// each of its services waits for a proof.
type index struct {
	instances map[string][]*Instance // by the service's key, in the order of their ids
	incidents map[string][]*Incident // the same
}

func newIndex() index {
	return index{map[string][]*Instance{}, map[string][]*Incident{}}
}

// belongs lets an instance belong to a service, and no more to an earlier one.
func (x *index) belongs(i *Instance, service string) {
	all := x.instances[service]
	if at, found := slices.BinarySearchFunc(all, i.ID, func(o *Instance, id string) int { return strings.Compare(o.ID, id) }); !found {
		x.instances[service] = slices.Insert(all, at, i)
	}
	if i.Service != service {
		x.leaves(i)
		i.Service = service
	}
}

// leaves forgets an instance.
func (x *index) leaves(i *Instance) {
	drop(x.instances, i.Service, i)
}

func (x *index) opened(n *Incident) {
	all := x.incidents[n.Key]
	at, found := slices.BinarySearchFunc(all, n.ID, func(o *Incident, id string) int { return strings.Compare(o.ID, id) })
	if found {
		all[at] = n
		return
	}
	x.incidents[n.Key] = slices.Insert(all, at, n)
}

func (x *index) forgotten(n *Incident) {
	drop(x.incidents, n.Key, n)
}

// drop makes a new list: the old one may be in the hands of somebody who walks
// through it.
func drop[T comparable](lists map[string][]T, key string, what T) {
	var kept []T
	for _, one := range lists[key] {
		if one != what {
			kept = append(kept, one)
		}
	}
	if lists[key] = kept; kept == nil {
		delete(lists, key)
	}
}
