package statute

import (
	"fmt"
	"strings"
)

// Law is one version of a law as it was imported.
type Law struct {
	// Title as printed, such as 中华人民共和国民法典.
	Title string
	// Version is the day of its adoption or last amendment, YYYY-MM-DD; empty when the file doesn't say.
	Version string
	// Effective is the day from which it applies, YYYY-MM-DD; empty when the file doesn't say.
	Effective string
	// Source is the file that it was read from, of several the first.
	Source string
	// Articles in the order of the file.
	Articles []Article
}

// Article is a provision.
type Article struct {
	// Number as printed: 第五百七十七条, 第一百二十条之一, of documents without articles 一.
	Number string
	// Headings are the part, chapter and section, outermost first.
	Headings []string
	// Text is the exact text; a line break parts paragraphs.
	Text string
}

// Provision is an article with the law that it belongs to.
type Provision struct {
	Law, Version, Effective string
	Article
}

// Problem is something in a file that could not be imported, or looks wrong.
type Problem struct {
	Path   string
	Line   int // from 1; 0 concerns the whole file
	Detail string
}

// String is path:line: detail.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.Path + ": " + p.Detail
	}
	return fmt.Sprintf("%s:%d: %s", p.Path, p.Line, p.Detail)
}

// name is a law's name as names are compared: without blanks, brackets and what the country is called.
func name(title string) string {
	title = strings.NewReplacer("《", "", "》", "", "〈", "", "〉", "", "<", "", ">", "", "“", "", "”", "", "(", "（", ")", "）").Replace(title)
	return strings.TrimPrefix(strings.Join(strings.Fields(title), ""), "中华人民共和国")
}
