// Package activetest plays people and attackers before a camera, for tests of package active. A portrait and its 98
// landmarks go in; pictures of that face turning, nodding, opening its mouth, closing its eyes and coming closer come
// out, and pictures of a photograph of it that is tilted, bent and moved. Scripts that a reader understands say who does
// what and what must come of it; the same script is played on drawn pictures and on plain numbers.
package activetest
