package metrics

// mostRecent is how much is remembered of what was counted: more than can still
// change.
const mostRecent = 8192

// recent remembers values by id, the newest ids only. The zero value is empty.
type recent[T any] struct {
	values map[string]T
	ids    []string // in the order in which they came, around next
	next   int
}

func (r *recent[T]) get(id string) (T, bool) {
	v, known := r.values[id]
	return v, known
}

func (r *recent[T]) put(id string, v T) {
	if r.values == nil {
		r.values = map[string]T{}
	}
	if _, known := r.values[id]; !known {
		if len(r.ids) < mostRecent {
			r.ids = append(r.ids, id)
		} else {
			delete(r.values, r.ids[r.next])
			r.ids[r.next] = id
			r.next = (r.next + 1) % mostRecent
		}
	}
	r.values[id] = v
}
