"""An emulated AWS: ministack, with what it lacks or gets wrong put right for the calls that zerotouch makes.

Each correction names the documented behaviour. It is an emulator all the same: see docs/limits.md.
"""
