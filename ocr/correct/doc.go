// Package correct mends single characters that a recogniser was not sure of. A page whose symbols carry candidates goes in; a
// character language model (package charlm) weighs them by what stands around, and where another reading is clearly better
// the page's line is changed and an [ocr.Correction] says what was there, both scores and the reason. Only doubtful
// characters are looked at. Letters of English words are mended by a list of words and by where capitals stand, and 口 is told from
// a box to tick by the line it stands in. Digits, amounts, dates, addresses of mail and web, identity, phone, bank and case numbers
// are never touched, nor are names of persons and companies unless that is asked for.
package correct
