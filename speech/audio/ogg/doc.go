// Package ogg takes the Ogg container (RFC 3533) apart: pages go in through an io.Reader without seeking, the packets of
// one logical stream come out with the position that their page declares.
package ogg
