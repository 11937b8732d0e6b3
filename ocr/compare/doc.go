// Package compare finds where two engines read one page differently: a second opinion for evidence. Two pages read from
// the same picture go in, the places where their characters differ come out.
package compare
