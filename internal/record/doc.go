// Package record keeps the flight record of each start: what it printed, when
// it came through which phase, how it was asked and what it answered, what was
// found when it hung, how it ended. The record outlives the process and the
// container; docs/records.md describes its files, which a person reads with
// cat and jq.
//
// A supervisor writes one:
//
//	rec := record.Begin("/var/lib/aweigh", record.Event{Service: "webhook", Start: id, ...}, began, keepBytes, warn)
//	rec.Output(record.Stdout, bytes)
//	rec.Event(record.Event{Event: record.StartReady})
//	rec.Close(2 * time.Second)
//
// and anyone reads them, damaged ones too:
//
//	dir, err := record.OpenToRead("/var/lib/aweigh")
//	newest, err := dir.Find("webhook")
//	fmt.Println(newest.Start().Verdict)
//
// Everything is opened beneath the record directory by [os.Root], so that a
// symbolic link planted in it leads nowhere.
package record
