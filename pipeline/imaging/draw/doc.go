// Package draw marks results on a picture: boxes, polygons, points and short labels. A raster goes in and is changed in
// place; whatever lies outside of it is cut off. It is for people to look at, so nothing here is measured to a fraction of
// a pixel.
package draw
