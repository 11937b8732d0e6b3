#!/bin/sh
# Makes the tones beside this script: 0.5 s of sine at half of full scale, 440 Hz left, 660 Hz right where there is a right.
# Needs sox and ffmpeg. The files are committed, so this runs only to change them.
set -eu
cd "$(dirname "$0")"
ff() { ffmpeg -v error -y -i "$@"; }
tone() { sox -R -n -r "$1" -c "$2" -b "$3" "$4" synth 0.5 sine 440 sine 660 gain -6.0206; }
mono() { sox -R -n -r "$1" -c 1 -b "$2" "$3" synth 0.5 sine 440 gain -6.0206; }
mono 16000 16 mono16k.wav
mono 16000 24 mono16k-24bit.flac
sox -R -n -r 24000 -c 1 -b 16 mono24k.flac synth 0.5 sine 440 gain -6.0206
ff mono16k.wav -f flac -fflags +bitexact pipe:1 | cat > mono16k-piped.flac
tone 44100 2 16 /tmp/stereo44k.wav
ff /tmp/stereo44k.wav -fflags +bitexact -flags:a +bitexact stereo44k.flac
ff /tmp/stereo44k.wav -b:a 64k -fflags +bitexact stereo44k.mp3
ff mono16k.wav -ar 22050 -b:a 32k -fflags +bitexact mono22k.mp3
ff mono16k.wav -ar 8000 -b:a 16k -fflags +bitexact mono8k.mp3
ff /tmp/stereo44k.wav -b:a 48k -c:a libopus -fflags +bitexact stereo.opus
ff mono16k.wav -filter_complex "[0:a]pan=5.1|FL=c0|FR=c0|FC=c0|LFE=c0|BL=c0|BR=c0[a]" -map "[a]" -c:a libopus -b:a 96k -mapping_family 1 -fflags +bitexact surround.opus
ff mono16k.wav -f wav -c:a pcm_f32le -fflags +bitexact mono16k-float.wav
ff mono16k.wav -f wav -fflags +bitexact pipe:1 | cat > mono16k-piped.wav
