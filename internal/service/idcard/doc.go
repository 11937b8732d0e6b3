// Package idcard knows the resident identity card of the People's Republic of China: its number (GB 11643-1999, with a
// region, a date of birth and a check digit by ISO 7064 MOD 11-2) and where name and number stand among the lines that
// were read from its front. Texts go in; checked numbers, names and how sure they are come out. It lies beside the
// service because only there a face's document and a page's reading meet: vision and ocr know nothing of each other.
package idcard
