// Package page looks at a page's picture as a whole, before its text is looked for. A picture goes in. [Enhancer] returns a
// cleaned one with the transform back to the original, a verdict on its quality, and the seals that it found; [Orienter]
// returns how many quarter turns the content is away from upright. Nothing here changes the picture that it is given.
//
// Positions are continuous: pixel (x, y) covers x..x+1 and y..y+1, and its centre is at (x+0.5, y+0.5).
package page
