"""Writes the waiting music: a slow arpeggio over four chords, 8 kHz, 8-bit, as telephones carry it.

python -m webhooks.audio.compose OUTPUT.wav
"""

from __future__ import annotations

import math
import struct
import sys
import wave
from pathlib import Path

RATE = 8000
BEAT_SECONDS = 0.5
CHORDS = ((57, 60, 64, 69), (53, 57, 60, 65), (48, 55, 60, 64), (55, 59, 62, 67))  # A minor, F, C, G as MIDI notes


def frequency(note: int) -> float:
    """Hertz of a MIDI note (A4 = 69 = 440 Hz, equal temperament)."""
    return 440.0 * 2 ** ((note - 69) / 12)


def compose() -> bytes:
    """Sixteen bars as 8-bit samples."""
    pattern = (0, 1, 2, 3, 2, 1, 3, 2)
    length = int(RATE * BEAT_SECONDS)
    tail = length * 3
    total = [0.0] * (length * len(pattern) * len(CHORDS) + tail)
    for bar, chord in enumerate(CHORDS):
        for beat, voice in enumerate(pattern):
            start = (bar * len(pattern) + beat) * length
            pitch = frequency(chord[voice] + (12 if beat == 6 else 0))
            for i in range(tail):
                seconds = i / RATE
                envelope = min(1.0, seconds / 0.02) * math.exp(-2.2 * seconds)
                wave_form = math.sin(2 * math.pi * pitch * seconds) + 0.25 * math.sin(4 * math.pi * pitch * seconds)
                total[start + i] += 0.22 * envelope * wave_form
    # The last notes ring into the first bar, so that the loop has no seam.
    loop = total[: len(total) - tail]
    for i in range(tail):
        loop[i] += total[len(loop) + i]
    return struct.pack(f"{len(loop)}B", *(max(0, min(255, round(128 + 110 * sample))) for sample in loop))


def main(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(RATE)
        file.writeframes(compose())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
