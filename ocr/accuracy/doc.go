// Package accuracy measures how well text was read: true and recognised lines go in, character error rate, exactly read
// lines and their confidence intervals come out. It is pure Go and knows no engine.
package accuracy
