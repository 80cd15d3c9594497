"""Sentence encoders: text in, one vector of length 1 out. See `onnx` and the seam `Encoder` in `seam`."""
