package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The headers of a webhook besides Content-Type and User-Agent.
const (
	// DeliveryHeader is the notification's id: what arrives twice has the same.
	DeliveryHeader = "Aweigh-Delivery"
	// OccasionHeader is the notification's occasion.
	OccasionHeader = "Aweigh-Occasion"
	// TimestampHeader is when this try was sent, in seconds since 1970.
	TimestampHeader = "Aweigh-Timestamp"
	// SignatureHeader is "sha256=" and Sign's hex digits; only with a secret.
	SignatureHeader = "Aweigh-Signature"
)

// Sign is the hex HMAC-SHA256 under secret of the timestamp, a dot and the
// body. The timestamp is part of it so that a receiver can refuse old calls
// that somebody recorded and plays again.
func Sign(secret, timestamp string, body []byte) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(timestamp + "."))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// webhookSender POSTs the notification as JSON:
//
//	webhook+https://[user:password@]host/path?any=thing[&secret=S|&secret_file=F]
//
// The secret signs and is not sent; the rest of the URL is called as it is.
func webhookSender(u *url.URL) (*Sender, error) {
	target, err := httpTarget(u, "webhook+")
	if err != nil {
		return nil, err
	}
	what := "webhook to " + target.Host
	q := target.Query()
	key, err := secret(q, "secret")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if key != "" { // else the query stays as it was written: some servers read more than its values
		target.RawQuery = q.Encode()
	}
	client := newHTTP()
	return &Sender{
		Send: func(ctx context.Context, m *Message) error {
			for _, n := range m.Notifications {
				body, err := json.Marshal(n)
				if err != nil {
					return permanent("%s: %s", what, err)
				}
				at := strconv.FormatInt(time.Now().Unix(), 10)
				header := http.Header{}
				header.Set(DeliveryHeader, oneLine(n.ID))
				header.Set(OccasionHeader, oneLine(string(n.Occasion)))
				header.Set(TimestampHeader, at)
				if key != "" {
					header.Set(SignatureHeader, "sha256="+Sign(key, at, body))
				}
				if err := post(ctx, client, what, target, header, body); err != nil {
					return err
				}
			}
			return nil
		},
		Close: client.CloseIdleConnections,
	}, nil
}

// httpTarget is the http or https URL behind a prefixed one.
func httpTarget(u *url.URL, prefix string) (*url.URL, error) {
	target := *u
	target.Scheme = strings.TrimPrefix(u.Scheme, prefix)
	target.Fragment = ""
	if u.Hostname() == "" {
		return nil, fmt.Errorf("%s:// names no host", u.Scheme)
	}
	return &target, nil
}
