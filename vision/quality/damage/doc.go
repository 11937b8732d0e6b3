// Package damage spoils face pictures in known ways, for the measures of package quality to be held against: a raster and a
// face's landmarks go in, a copy that is blurred, darkened, lit from one side, turned, or with a mask or dark glasses drawn
// on comes out.
package damage
