#!/usr/bin/env bash
# Makes the embedded language model of speech from the texts that texts.py wrote.
#
#     models/training/speech/language/train.sh WORK/text OUT [train]
#
# With "train" only the texts that are not held out are used, for the figures of the card. COURTSENSE names the program.
# The shares were chosen by perplexity on held-out text of each kind and on the transcripts (then kept out): see the card.
set -euo pipefail
texts=$1 out=$2 part=${3:+.$3}
courtsense=${COURTSENSE:-bin/courtsense}
"$courtsense" lm train "$texts/statutes$part.txt" --and "$texts/cases$part.txt" --and "$texts/conversation$part.txt" --and "$texts/news$part.txt" \
    --and "$texts/transcripts$part.txt" --and "$texts/terms$part.txt" --weights 0.36,0.22,0.12,0.19,0.05,0.06 --order 4 --size 11.4 --force --out "$out" \
    --about "Chinese characters as they are spoken: statutes, case texts, questions to lawyers, news and transcripts; trained by courtsense's recipe models/training/speech/language"
