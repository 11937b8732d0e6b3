// Package correct mends single characters that a recogniser was not sure of. A page whose symbols carry candidates goes in; a
// character language model (package charlm) weighs them by what stands around, and where another reading is clearly better
// the page's line is changed and an [ocr.Correction] says what was there, both scores and the reason. Only doubtful
// characters are looked at. Digits, Latin letters, amounts, dates, identity, phone, bank and case numbers are never touched,
// nor are names of persons and companies unless that is asked for.
package correct
