package face

// Main returns the index of the face that a picture of this size is about, -1 when there is none: the one of the largest
// area less twice the squared distance of its centre from the picture's, so that a near stranger at the edge does not win.
func Main(faces []Detection, width, height int) int {
	best, most := -1, 0.0
	for i, d := range faces {
		c := d.Box.Center()
		dx, dy := float64(c.X)-float64(width)/2, float64(c.Y)-float64(height)/2
		if weight := float64(d.Box.Area()) - 2*(dx*dx+dy*dy); best < 0 || weight > most {
			best, most = i, weight
		}
	}
	return best
}
