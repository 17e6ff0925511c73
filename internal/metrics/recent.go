package metrics

// mostRecent is how much is remembered of what was counted.
const mostRecent = 8192

// recent remembers values by id, the newest ids only. The zero value is empty.
type recent[T any] struct {
	values map[string]T
	ids    []string // in the order in which they came, around next
	next   int
	gone   string // the newest that is not remembered any more: ids begin with their time
}

// forgot reports whether an id is so old that it is not remembered any more.
func (r *recent[T]) forgot(id string) bool {
	_, known := r.values[id]
	return !known && id <= r.gone
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
			r.gone = max(r.gone, r.ids[r.next])
			r.ids[r.next] = id
			r.next = (r.next + 1) % mostRecent
		}
	}
	r.values[id] = v
}
