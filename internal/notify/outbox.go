package notify

import (
	"context"
	"time"

	"github.com/aweigh/aweigh"
)

// Letter is a notification on its way over one route.
type Letter struct {
	ID           int64  // unique, and greater than those of earlier letters
	Route        string // its name
	Notification *aweigh.Notification
	// Tries are how often it was not taken, FailedFirst is when that happened
	// for the first time and Next when it may be tried again.
	Tries       int
	FailedFirst time.Time
	Next        time.Time
}

// Outbox keeps letters durably, until they are sent or dead. A letter is added
// in the transaction of the fact that it tells of.
type Outbox interface {
	// Pending returns letters to a route that are neither sent nor dead, by
	// ascending ID: the first limit of those whose ID is greater than after.
	Pending(ctx context.Context, route string, after int64, limit int) ([]Letter, error)
	// Sent marks letters as taken. All that is done here to several letters is
	// done to all of them or to none.
	Sent(ctx context.Context, ids []int64) error
	// Failed counts a try, keeps why, and when the next one may be.
	Failed(ctx context.Context, ids []int64, why string, at, next time.Time) error
	// Dead gives letters up. They stay, with the reason, for people to see.
	Dead(ctx context.Context, ids []int64, why string, at time.Time) error
}
