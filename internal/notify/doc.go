// Package notify tells people: it decides which routes a notification takes,
// puts it into words, and hands it over, at least once and in order per
// incident.
//
// A [Route] is a URL and what it wants to hear. [Parse] makes the [Sender] of
// its protocol, and says at once what is wrong with it; [Matches] chooses the
// routes of a notification; [Compose] and [Digest] find the words. A
// [Deliverer] empties a durable [Outbox], which belongs to whoever stores
// things:
//
//	d, err := notify.NewDeliverer(outbox, routes, slog.Default())
//	if err != nil {
//		return err // `route "mail": smtp://mx:25 names no recipient: add ?to=ADDRESS`
//	}
//	go d.Run(ctx) // until ctx is done; then it has handed over what it had begun
//	…
//	for _, r := range routes {
//		if notify.Matches(r, n) {
//			… // a letter to r.Name goes into the outbox, in the transaction of the fact
//		}
//	}
//	d.Wake()
//
// A protocol is one file and one line in the table protocols.
package notify
