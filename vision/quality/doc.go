// Package quality judges a face picture: how fit it is to be compared, component by component, in the vocabulary of
// ISO/IEC 29794-5. A picture with its detected faces goes in; for each component a native value in its own unit, a quality
// of 0 to 100, a verdict under a profile and a sentence that a person can act on, and over all a score, come out. The
// mappings from native value to quality are documented at each measure; none of this was tested for conformance with the
// standard.
package quality
