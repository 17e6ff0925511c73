// Package gather collects the evidence of one start for package diagnose: of a
// container that is there, through the engine and /proc, and of a start that is
// over, from its record.
//
//	found, err := gather.Container(ctx, engine, id, gather.Options{})
//	for _, c := range found.Causes() {
//		fmt.Println(c.ID, c.Why)
//	}
//
// It changes nothing. To a service it does no more than a client that connects
// once; a dependency that the output names gets a connection without a byte.
// What could not be read is in Found.Notes, with the reason: an empty answer must
// not look like a good one.
package gather
