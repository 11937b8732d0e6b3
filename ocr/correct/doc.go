// Package correct mends single characters that a recogniser was not sure of. A page whose symbols carry candidates goes in; a
// character language model (package charlm) weighs them by what stands around, and where another reading is clearly better
// the page's line is changed and an [ocr.Correction] says what was there, both scores and the reason. Only doubtful
// characters are looked at, and the letters of a long English word, which a list of words mends, as do the places where capitals stand; a
// quotation mark is told from a stop by its counterpart, a colon behind the name of a field, a dash beside a page's number, and 口 from
// a box to tick by the line it stands in. Digits, amounts, dates, addresses of mail and web, identity, phone, bank and case numbers
// are never touched, nor are names of persons and companies unless that is asked for.
package correct
