// Package scene draws scripted videos of people at a gate: portraits and the ways on which their faces move go in, and the
// picture at any moment comes out, for demonstrations and measurements where nobody can be filmed. A pasted portrait moves as
// a whole and never turns: such a video shows how well faces are followed and told apart, not how a crowd looks.
package scene
