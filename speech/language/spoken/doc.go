// Package spoken puts written Chinese into the form in which it is said: 第577条 is 第五百七十七条, 3.5% is 百分之三点五,
// 2019-08-17 is 二零一九年八月十七日. Text goes in; characters without figures and punctuation come out, with marks where a
// speaker pauses and where a sentence ends. Language models learn from this form, and references of recognition are in it.
package spoken
