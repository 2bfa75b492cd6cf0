"""Layers that read recordings: the log-mel spectrogram, and maps of which frames are padding."""

from plait.encoders.sound.frames import ConvFrames, Summary
from plait.encoders.sound.log_mel import LogMel, mel_filters, real_frames

__all__ = ["ConvFrames", "LogMel", "Summary", "mel_filters", "real_frames"]
