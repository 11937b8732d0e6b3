package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of a message.
const (
	HeaderID        = "Webhook-Id"        // of the message, the same in every attempt
	HeaderTimestamp = "Webhook-Timestamp" // of the attempt, seconds since 1970
	HeaderSignature = "Webhook-Signature" // "v1," and the signature; several are separated by spaces
)

const (
	secretPrefix  = "whsec_"
	leastSecret   = 24 // bytes
	longestSecret = 64
)

// ParseSecret reads a secret: "whsec_" and 24 to 64 bytes as base64. Errors do not show it.
func ParseSecret(text string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(text), secretPrefix)
	secret, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(secret) < leastSecret || len(secret) > longestSecret {
		return nil, fmt.Errorf("the secret of a webhook is %s and %d to %d bytes as base64; make one with: echo %s$(openssl rand -base64 32)", secretPrefix, leastSecret, longestSecret, secretPrefix)
	}
	return secret, nil
}

// sign signs a message, as v1 of the specification says.
func sign(secret []byte, id string, at time.Time, body []byte) string {
	h := hmac.New(sha256.New, secret)
	fmt.Fprintf(h, "%s.%d.", id, at.Unix())
	_, _ = h.Write(body) // a hash takes all
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// Verify checks a received message: that it was signed with the secret, and not longer ago, or further ahead, than tolerance.
func Verify(secret []byte, header http.Header, body []byte, now time.Time, tolerance time.Duration) error {
	seconds, err := strconv.ParseInt(header.Get(HeaderTimestamp), 10, 64)
	if err != nil {
		return errors.New("webhook: no timestamp")
	}
	at := time.Unix(seconds, 0)
	if d := now.Sub(at).Abs(); d > tolerance {
		return fmt.Errorf("webhook: the message is %v off, which may be an old one sent again", d)
	}
	want := sign(secret, header.Get(HeaderID), at, body)
	for _, got := range strings.Fields(header.Get(HeaderSignature)) {
		if hmac.Equal([]byte(got), []byte(want)) {
			return nil
		}
	}
	return errors.New("webhook: the signature is not this secret's")
}
