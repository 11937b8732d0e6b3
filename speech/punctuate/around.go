package punctuate

const (
	// Values that stand for no word of the list.
	beforeText = -1
	behindText = -2
	numeral    = -9 // all numerals are alike
	character  = 100000

	kindNumeral = 16 // the kind of words that are numerals

	numeralGroup = 900
	otherGroup   = 600 // and the kind
	noMark       = 8   // before the first mark
	notSeen      = 9   // a word that did not stand before
)

// identity is the word as evidence knows it.
func (t token) identity() int {
	switch {
	case t.class() == kindNumeral:
		return numeral
	case t.word == 0:
		return character + int(t.first)
	}
	return int(t.word)
}

// class is the kind of word, without its length.
func (t token) class() int { return int(t.kind / lengths) }

// group is the word's fine (0) or coarse (1) group.
func (t token) group(which int) int {
	switch {
	case t.class() == kindNumeral:
		return numeralGroup
	case t.word == 0:
		return otherGroup + t.class()
	}
	return t.groups[which]
}

// around adds what the words around the place behind tokens[i] say.
func (e *evidence) around(s *scores, tokens []token, i int) {
	n := len(tokens)
	at := func(j int) (token, bool) {
		if i+j < 0 || i+j >= n {
			return token{}, false
		}
		return tokens[i+j], true
	}
	w := func(j int) int {
		t, inside := at(j)
		if !inside {
			return outsideOf(j)
		}
		return t.identity()
	}
	k := func(j int) int {
		t, inside := at(j)
		if !inside {
			return outsideOf(j)
		}
		return t.class()
	}
	f := func(kind, a, b, c, d int) { e.add(s, kind, a, b, c, d) }
	f(0, 0, 0, 0, 0)
	for j := -4; j <= 5; j++ {
		f(1+j+4, w(j), 0, 0, 0)
	}
	for j := -4; j <= 4; j++ {
		f(20+j+4, w(j), w(j+1), 0, 0)
	}
	for j := -3; j <= 3; j++ {
		f(40+j+4, w(j), w(j+1), w(j+2), 0)
	}
	for j := -3; j <= 1; j++ {
		f(50+j+4, w(j), w(j+1), w(j+2), w(j+3))
	}
	f(60, w(-1), w(1), 0, 0)
	f(61, w(0), w(2), 0, 0)
	f(62, w(-1), w(2), 0, 0)
	f(63, w(0), w(3), 0, 0)
	f(64, w(-2), w(0), w(1), 0)
	f(65, w(0), w(1), w(3), 0)
	for j := -3; j <= 4; j++ {
		f(70+j+4, k(j), 0, 0, 0)
	}
	for j := -3; j <= 3; j++ {
		f(80+j+4, k(j), k(j+1), 0, 0)
	}
	for j := -3; j <= 3; j++ {
		f(90+j+4, k(j), k(j+1), k(j+2), 0)
	}
	f(100, k(-1), k(0), k(1), k(2))
	f(101, k(-2), k(-1), k(0), k(1))
	f(102, k(0), k(1), k(2), k(3))
	f(103, k(-2)*64+k(-1), k(0), k(1), k(2))
	f(104, k(-2)*64+k(-1), k(0), k(1)*64+k(2), k(3))
	f(105, k(-3)*64+k(-2), k(-1)*64+k(0), k(1)*64+k(2), k(3)*64+k(4))
	f(110, w(0), k(1), 0, 0)
	f(111, k(0), w(1), 0, 0)
	f(112, w(0), k(1), k(2), 0)
	f(113, k(-1), k(0), w(1), 0)
	f(114, w(0), w(1), k(2), 0)
	f(115, k(-1), w(0), w(1), 0)
	f(116, k(-1), w(0), k(1), 0)
	f(117, k(0), w(1), k(2), 0)
	f(118, w(0), k(1), k(2), k(3))
	f(119, k(-2), k(-1), k(0), w(1))
	f(120, k(-2), k(-1), w(0), k(1))
	f(121, k(0), w(1), k(2), k(3))
	f(122, k(-1), k(0), w(1), k(2))
	f(123, k(-1), w(0), k(1), k(2))
	here, _ := at(0)
	next, follows := at(1)
	f(130, int(here.first), 0, 0, 0)
	f(132, int(here.last), 0, 0, 0)
	f(134, int(here.kind), 0, 0, 0)
	if follows {
		f(131, int(next.first), 0, 0, 0)
		f(133, int(next.last), 0, 0, 0)
		f(135, int(next.kind), 0, 0, 0)
		f(136, int(here.last), int(next.first), 0, 0)
		f(137, int(here.kind), int(next.kind), 0, 0)
		f(138, int(here.last), int(next.kind), 0, 0)
		f(139, int(here.kind), int(next.first), 0, 0)
	}
	// Members of a list are alike: how far before and behind do the words on either side of the place stand again?
	again := func(t token, first, step int) int {
		for j := first; j*step <= 9; j += step {
			other, inside := at(j)
			if !inside {
				break
			}
			if other.word != 0 && other.word == t.word {
				return j * step
			}
		}
		return 0
	}
	r0, b0, r1, b1 := again(here, 2, 1), again(here, -1, -1), 0, 0
	if follows {
		r1, b1 = again(next, 2, 1), again(next, -1, -1)
	}
	f(140, r0, k(0), 0, 0)
	f(141, r1, k(1), 0, 0)
	f(142, b0, k(0), 0, 0)
	f(143, b1, k(1), 0, 0)
	f(144, r0, b0, k(0), k(1))
	f(145, r1, b1, k(0), k(1))
	f(146, w(1), r1, b1, 0)
	f(147, w(0), r0, b0, 0)
	e.groups(s, tokens, i)
	begin, end := steps(i, 8, 15, 30), steps(n-1-i, 8, 15)
	f(150, begin, 0, 0, 0)
	f(151, end, 0, 0, 0)
	f(152, begin, w(0), 0, 0)
	f(153, end, w(1), 0, 0)
	f(154, begin, w(1), 0, 0)
	for j := 4; j <= 12; j++ {
		if t, _ := at(j); t.word != 0 {
			f(160, int(t.word), 0, 0, 0)
		}
		if t, _ := at(-j); t.word != 0 {
			f(161, int(t.word), 0, 0, 0)
		}
	}
}

// groups adds what the groups of the words around the place behind tokens[i] say.
func (e *evidence) groups(s *scores, tokens []token, i int) {
	of := func(j, which int) int {
		if i+j < 0 || i+j >= len(tokens) {
			return outsideOf(j)
		}
		return tokens[i+j].group(which)
	}
	g, h := func(j int) int { return of(j, 0) }, func(j int) int { return of(j, 1) }
	f := func(kind, a, b, c, d int) { e.add(s, kind, a, b, c, d) }
	w0, w1, first := tokens[i].identity(), behindText, tokens[0].identity()
	if i+1 < len(tokens) {
		w1 = tokens[i+1].identity()
	}
	for j := -3; j <= 4; j++ {
		f(220+j+3, g(j), 0, 0, 0)
	}
	for j := -2; j <= 2; j++ {
		f(230+j+3, g(j), g(j+1), 0, 0)
	}
	for j := -2; j <= 1; j++ {
		f(240+j+3, g(j), g(j+1), g(j+2), 0)
	}
	for j := -3; j <= 3; j++ {
		f(250+j+3, h(j), h(j+1), 0, 0)
	}
	for j := -3; j <= 2; j++ {
		f(260+j+3, h(j), h(j+1), h(j+2), 0)
	}
	f(270, h(-1), h(0), h(1), h(2))
	f(271, h(-2), h(-1), h(0), h(1))
	f(272, h(0), h(1), h(2), h(3))
	f(273, h(-2)*1024+h(-1), h(0), h(1), h(2))
	f(274, h(-1)*1024+h(0), h(1), h(2), h(3))
	f(275, w0, h(1), 0, 0)
	f(276, h(0), w1, 0, 0)
	f(277, w0, h(1), h(2), 0)
	f(278, h(-1), h(0), w1, 0)
	f(279, w0, h(1), h(2), h(3))
	f(280, h(-2), h(-1), h(0), w1)
	f(281, g(0), h(1), h(2), 0)
	f(282, h(-1), h(0), g(1), 0)
	f(283, h(-1), g(0), g(1), h(2))
	f(284, w0, g(1), 0, 0)
	f(285, g(0), w1, 0, 0)
	// How a paragraph begins tells what it is.
	f(286, first, w1, 0, 0)
	f(287, first, w0, 0, 0)
	f(288, first, h(0), h(1), 0)
}

func outsideOf(j int) int {
	if j > 0 {
		return behindText
	}
	return beforeText
}

// steps is n below first, and above one more for each of the bounds that it exceeds.
func steps(n, first int, bounds ...int) int {
	if n < first {
		return n
	}
	out := first
	for _, b := range bounds {
		if n > b {
			out++
		}
	}
	return out
}

// history adds what the marks before say about the place behind tokens[i]; marks has those behind the tokens before it.
func (e *evidence) history(s *scores, tokens []token, marks []int, i int) {
	// The last three marks of the sentence, where the last clause and the sentence begin, and the commas in between.
	const sentence, clauses = 80, 60
	last, end, commas, count := -1, -1, 0, 0
	m := [3]int{noMark, noMark, noMark}
	for j := i - 1; j >= 0 && j >= i-sentence; j-- {
		if marks[j] <= 0 {
			continue
		}
		if count == 0 {
			last = j
		}
		if count < 3 {
			m[count] = marks[j]
		}
		count++
		if marks[j] >= 2 && marks[j] <= 4 {
			end = j
			break
		}
		if marks[j] == 1 {
			commas++
		}
	}
	d, far := steps(i-last, 8, 10, 14, 20, 30), i-end
	if far < 30 {
		far /= 5
	} else {
		far = steps(far, 6, 40, 60, 90)
	}
	commas = min(commas, 5)
	w0, k0, w1, k1 := tokens[i].identity(), tokens[i].class(), behindText, behindText
	if i+1 < len(tokens) {
		w1, k1 = tokens[i+1].identity(), tokens[i+1].class()
	}
	clause, first, before := tokens[last+1].identity(), tokens[end+1].identity(), beforeText
	if last >= 0 {
		before = tokens[last].identity()
	}
	// What stood behind this word, before the next one, and between words of these kinds, when they came last.
	behind, ahead, between := notSeen, notSeen, notSeen
	for j := i - 1; j >= 0 && j >= i-clauses; j-- {
		if behind == notSeen && tokens[j].word != 0 && tokens[j].word == tokens[i].word {
			behind = marks[j]
		}
		if between == notSeen && tokens[j].class() == k0 && tokens[j+1].class() == k1 {
			between = marks[j]
		}
	}
	if i+1 < len(tokens) && tokens[i+1].word != 0 {
		for j := i; j >= 0 && j >= i-clauses; j-- {
			if tokens[j].word == tokens[i+1].word {
				if ahead = noMark; j > 0 {
					ahead = marks[j-1]
				}
				break
			}
		}
	}
	g0, h0, g1, h1, beforeGroup, same := tokens[i].group(0), tokens[i].group(1), behindText, behindText, beforeText, notSeen
	if i+1 < len(tokens) {
		g1, h1 = tokens[i+1].group(0), tokens[i+1].group(1)
	}
	if last >= 0 {
		beforeGroup = tokens[last].group(0)
	}
	for j := i - 1; j >= 0 && j >= i-clauses; j-- {
		if tokens[j].group(1) == h0 && tokens[j+1].group(1) == h1 {
			same = marks[j]
			break
		}
	}
	clauseFine, clauseCoarse := tokens[last+1].group(0), tokens[last+1].group(1)
	f := func(kind, a, b, c, d int) { e.add(s, kind, a, b, c, d) }
	f(300, m[0], g0, 0, 0)
	f(301, m[0], g1, 0, 0)
	f(302, m[0], h0, h1, 0)
	f(303, m[0], d, h0, h1)
	f(304, clauseCoarse, h0, h1, 0)
	f(305, clauseFine, g1, 0, 0)
	f(306, clauseFine, w0, 0, 0)
	f(307, m[0], m[1], h0, h1)
	f(308, beforeGroup, g0, 0, 0)
	f(309, commas, h0, h1, 0)
	f(310, same, h0, h1, 0)
	f(311, same, m[0], 0, 0)
	f(312, clauseFine, m[0], g1, 0)
	f(313, tokens[0].identity(), m[0], h1, 0)
	f(314, beforeGroup, g1, 0, 0)
	f(315, clauseFine, g0, 0, 0)
	f(316, clauseCoarse, m[0], h0, h1)
	f(317, clauseFine, g0, g1, 0)
	f(318, m[0], m[1], g1, 0)
	f(170, m[0], 0, 0, 0)
	f(171, m[0], m[1], 0, 0)
	f(172, m[0], d, 0, 0)
	f(173, m[0], w0, 0, 0)
	f(174, m[0], w1, 0, 0)
	f(175, clause, w0, 0, 0)
	f(176, clause, w1, 0, 0)
	f(177, m[0], clause, 0, 0)
	f(178, clause, d, 0, 0)
	f(179, m[0], k0, k1, 0)
	f(180, m[0], m[1], w1, 0)
	f(181, far, w1, 0, 0)
	f(182, commas, w1, 0, 0)
	f(183, behind, k0, k1, 0)
	f(184, behind, w0, 0, 0)
	f(185, ahead, w1, 0, 0)
	f(186, ahead, behind, between, 0)
	f(187, ahead, k0, k1, 0)
	f(188, m[0], w0, w1, 0)
	f(189, m[0], m[1], k0, k1)
	f(190, m[0], d, k0, k1)
	f(191, commas, m[0], 0, 0)
	f(192, far, m[0], 0, 0)
	f(193, commas, k0, w1, 0)
	f(194, m[0], m[1], m[2], 0)
	f(195, first, w1, 0, 0)
	f(196, first, m[0], 0, 0)
	f(197, before, w0, 0, 0)
	f(198, before, w1, 0, 0)
	f(199, m[0], w0, k1, 0)
	f(200, between, k0, k1, 0)
	f(201, between, m[0], 0, 0)
	f(202, behind, ahead, w1, 0)
	f(203, behind, w0, w1, 0)
	f(204, clause, w0, w1, 0)
	f(205, m[0], m[1], m[2], w1)
	f(206, first, w0, 0, 0)
	f(207, d, w0, w1, 0)
	f(208, d, k0, k1, 0)
}
